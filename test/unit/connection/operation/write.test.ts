import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../../src/command/op.ts";
import { Status } from "../../../../src/command/status.ts";
import type { Connection } from "../../../../src/connection/connection.ts";
import { Write } from "../../../../src/connection/operation/write.ts";
import {
  PENDING_MAX,
  PENDING_PER_CONNECTION_MAX,
} from "../../../../src/connection/pending-table.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Outcome } from "../../../../src/router/outcome.ts";
import { Desk, status } from "../desk.ts";

const SET = "set apple 0 0 3\r\nred\r\n";

describe("Write", () => {
  let desk: Desk;
  let connection: Connection;
  let write: Write;
  const run = (text: string) => desk.run(write, connection, desk.parse(text, connection));

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
    write = new Write(desk.tools);
  });

  test("done at once: answered, and no wait taken", () => {
    desk.router.says(Outcome.done, status(Status.stored));
    expect(run(SET)).toBe(Step.done);
    expect(desk.written()).toBe("STORED\r\n");
    expect(connection.wait).toBeNull();
    expect(desk.looked).toEqual([Op.store]);
  });

  test("sent: a hole is left, which the reply fills, and the connection goes on", () => {
    desk.router.says(Outcome.sent);
    desk.output.open(connection);
    expect(write.run(connection, desk.parse(SET, connection))).toBe(Step.done);
    expect([connection.holes, connection.unsettled]).toEqual([1, 1]);
    desk.output.close(connection);
    expect(desk.transport.sent).toBe("");
    const pending = connection.pendingFirst;
    desk.table.settle(pending);
    connection.unsettled--;
    const reply = { status: Status.stored, marks: 0 };
    desk.replies.fill(pending, connection.outBlock, desk.parse("get a\r\n"), reply as never);
    desk.output.settle(connection);
    desk.output.open(connection);
    desk.output.close(connection);
    expect(desk.transport.sent).toBe("STORED\r\n");
  });

  test("noreply: sent and not answered, but counted", () => {
    desk.router.says(Outcome.sent);
    expect(run("set apple 0 0 3 noreply\r\nred\r\n")).toBe(Step.done);
    expect([connection.holes, connection.unsettled]).toEqual([0, 1]);
  });

  test("a full ring, too many on their way, a full table, no room: nothing is sent or written", () => {
    desk.router.says(Outcome.full);
    expect(run(SET)).toBe(Step.refused);
    const crowd = desk.connection();
    while (crowd.pendingCount < PENDING_PER_CONNECTION_MAX) {
      desk.pendings.leaveSilence(crowd, desk.parse("touch k 1 noreply\r\n"));
    }
    expect(desk.run(write, crowd, desk.parse(SET, crowd))).toBe(Step.behind);
    const narrow = desk.connection();
    desk.fill(narrow);
    expect(desk.run(write, narrow, desk.parse(SET, narrow))).toBe(Step.noRoom);
    for (let taken = PENDING_PER_CONNECTION_MAX; taken < PENDING_MAX; taken++) {
      desk.table.take(0, 0, 0);
    }
    expect(run(SET)).toBe(Step.refused);
    expect(desk.router.asked).toHaveLength(1);
    expect(connection.pendingCount).toBe(0);
  });

  for (const [name, outcome, silent] of [
    ["here", Outcome.done, 0],
    ["elsewhere", Outcome.sent, 1],
  ] as const) {
    test(`a set that is too large removes the old item ${name}, then answers its error`, () => {
      desk.router.says(outcome, status(Status.deleted));
      const request = desk.parse(`set apple 0 0 ${2 ** 21}\r\n`, connection);
      expect(request.op).toBe(Op.delete);
      expect(desk.run(write, connection, request)).toBe(Step.again);
      expect(request.op).toBe(Op.error);
      expect(desk.written()).toBe("");
      expect(connection.unsettled).toBe(silent);
    });
  }
});

import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../../src/command/op.ts";
import { ItemMark, Reply } from "../../../../src/command/reply.ts";
import { Mark, type Request } from "../../../../src/command/request.ts";
import { Status } from "../../../../src/command/status.ts";
import type { Connection } from "../../../../src/connection/connection.ts";
import { FetchEnd } from "../../../../src/connection/operation/fetch-end.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Outcome } from "../../../../src/router/outcome.ts";
import { Desk, hit, status } from "../desk.ts";

describe("FetchEnd", () => {
  let desk: Desk;
  let connection: Connection;
  let request: Request;
  let sent: number[];
  let end: FetchEnd;

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
    request = desk.parse("gat -1 apple\r\n", connection);
    sent = [];
    const large = {
      begin: (_connection: Connection, _request: Request, { handle }: Reply) => {
        sent.push(handle);
        return Step.follows;
      },
    };
    end = new FetchEnd(desk.tools, large, 1000);
  });

  function begin(marks = 0, handle = 0): Step {
    const found = new Reply(desk.arena.bytes);
    hit("red", { marks: marks | ItemMark.expiring, handle })(found);
    const wait = desk.waits.of(connection);
    wait.keepFound(found);
    desk.output.open(connection);
    return end.begin(connection, request, wait);
  }

  test("touches, waits, and answers what was kept", () => {
    desk.router.says(Outcome.sent);
    expect(begin()).toBe(Step.awaits);
    expect(desk.router.asked).toEqual([`mutate ${Op.touch}`]);
    expect(connection.wait?.operation === end).toBe(true);
    expect(desk.run(end, connection, request, status(Status.touched))).toBe(Step.done);
    expect(desk.written()).toBe("VALUE apple 0 3\r\nred\r\nEND\r\n");
  });

  test("in its own shard: at once", () => {
    desk.router.says(Outcome.done, status(Status.touched));
    expect(begin()).toBe(Step.done);
    expect(desk.written()).toContain("red");
  });

  test("an item that changed meanwhile: the request is executed again, holding what it had won", () => {
    desk.router.says(Outcome.done, status(Status.exists));
    expect(begin(ItemMark.won)).toBe(Step.again);
    expect(request.marks & Mark.tokenHeld).not.toBe(0);
    expect(desk.written()).toBe("");
  });

  test("a large one is sent from its lease, or its lease let go", () => {
    desk.router
      .says(Outcome.done, status(Status.touched))
      .says(Outcome.done, status(Status.exists));
    expect(begin(ItemMark.large, 5)).toBe(Step.follows);
    expect(sent).toEqual([5]);
    expect(begin(ItemMark.large, 6)).toBe(Step.again);
    expect(desk.router.letGone).toEqual([6]);
  });

  test("a full ring, or no room: asked later, once", () => {
    desk.router.says(Outcome.full);
    expect(begin()).toBe(Step.refused);
    expect(connection.wait?.operation === end).toBe(true);
    desk.fill(connection);
    expect(desk.run(end, connection, request)).toBe(Step.noRoom);
    expect(desk.run(end, connection, request, status(Status.touched))).toBe(Step.noRoom);
    expect(desk.router.asked).toHaveLength(1);
  });
});

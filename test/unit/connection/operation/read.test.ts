import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../../src/command/op.ts";
import { ItemMark } from "../../../../src/command/reply.ts";
import type { Connection } from "../../../../src/connection/connection.ts";
import { Read } from "../../../../src/connection/operation/read.ts";
import { PENDING_PER_CONNECTION_MAX } from "../../../../src/connection/pending-table.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Outcome } from "../../../../src/router/outcome.ts";
import { Desk, hit } from "../desk.ts";

describe("Read", () => {
  let desk: Desk;
  let connection: Connection;
  let leases: boolean[];
  let read: Read;
  const run = (text: string) => desk.run(read, connection, desk.parse(text, connection));

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
    leases = [];
    read = new Read(desk.tools, {
      begin: (_connection, _request, described, fetchedBefore) => {
        expect(described).toBeNull();
        leases.push(fetchedBefore);
        return Step.awaits;
      },
    });
  });

  test("writes a hit, and shows it", () => {
    desk.router.says(Outcome.hit, hit("red"));
    expect(run("get apple\r\n")).toBe(Step.done);
    expect(desk.written()).toBe("VALUE apple 0 3\r\nred\r\nEND\r\n");
    expect(desk.looked).toEqual([Op.get]);
    expect(connection.wait).toBeNull();
  });

  test("a value that changed while it was copied is read again, and written once", () => {
    desk.router.says(Outcome.hit, hit("torn")).says(Outcome.hit, hit("whole"));
    desk.router.confirms.push(false);
    expect(run("get apple\r\n")).toBe(Step.done);
    expect(desk.written()).toBe("VALUE apple 0 5\r\nwhole\r\nEND\r\n");
  });

  test("behind a change of its owner's: waits for the fence, then reads again", () => {
    desk.router.says(Outcome.sent).says(Outcome.miss);
    const request = desk.parse("get apple\r\n", connection);
    expect(desk.run(read, connection, request)).toBe(Step.awaits);
    expect(connection.wait?.operation).toBeNull();
    expect([connection.pendingCount, connection.unsettled]).toEqual([1, 1]);
    expect(desk.run(read, connection, request)).toBe(Step.done);
    expect(desk.written()).toBe("END\r\n");
  });

  test("behind a change of its own, or with a full ring: nothing is sent", () => {
    desk.router.says(Outcome.busy).says(Outcome.full);
    expect(run("get apple\r\n")).toBe(Step.behind);
    expect(run("get apple\r\n")).toBe(Step.refused);
    expect(connection.pendingCount).toBe(0);
    expect(connection.wait).toBeNull();
  });

  test("a fence without a token is not waited for, but for what the connection has sent", () => {
    for (let sent = 0; sent < PENDING_PER_CONNECTION_MAX; sent++) {
      desk.pendings.leaveSilence(connection, desk.parse("touch k 1 noreply\r\n"));
    }
    desk.router.says(Outcome.sent);
    expect(run("get apple\r\n")).toBe(Step.behind);
    expect(connection.pendingCount).toBe(PENDING_PER_CONNECTION_MAX);
    expect(connection.wait).toBeNull();
  });

  test("a large value is leased; whether it was read before is remembered", () => {
    desk.router.says(Outcome.hit, hit("", { marks: ItemMark.large }));
    desk.router.says(Outcome.hit, hit("", { marks: ItemMark.large | ItemMark.fetched }));
    expect(run("get apple\r\n")).toBe(Step.awaits);
    expect(run("get apple\r\n")).toBe(Step.awaits);
    expect(leases).toEqual([false, true]);
  });

  test("one that may win the right to recache is a fetch", () => {
    desk.router.says(Outcome.hit, hit("red", { marks: ItemMark.stale }));
    const request = desk.parse("mg apple v\r\n", connection);
    expect(desk.run(read, connection, request)).toBe(Step.again);
    expect(request.op).toBe(Op.fetch);
  });

  test("without room for the value nothing is written", () => {
    desk.fill(connection);
    desk.router.says(Outcome.hit, hit("red"));
    expect(run("get apple\r\n")).toBe(Step.noRoom);
    expect(desk.looked).toEqual([]);
  });
});

import { beforeEach, describe, expect, test } from "vitest";
import { ItemMark, Reply } from "../../../../src/command/reply.ts";
import type { Request } from "../../../../src/command/request.ts";
import { Status } from "../../../../src/command/status.ts";
import type { Connection } from "../../../../src/connection/connection.ts";
import { Lease } from "../../../../src/connection/operation/lease.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Outcome } from "../../../../src/router/outcome.ts";
import { Desk, hit, status } from "../desk.ts";

describe("Lease", () => {
  let desk: Desk;
  let connection: Connection;
  let request: Request;
  let sent: number[];
  let ended: number;
  let lease: Lease;

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
    request = desk.parse("get apple\r\n", connection);
    sent = [];
    ended = 0;
    lease = new Lease(
      desk.tools,
      {
        begin: (_connection, _request, { marks }) => {
          sent.push(marks);
          return Step.follows;
        },
      },
      {
        begin: () => {
          ended++;
          return Step.awaits;
        },
      },
    );
  });

  const large = (casLow: number, marks = 0) => hit("", { marks: marks | ItemMark.large, casLow });

  function begin(described: ((reply: Reply) => void) | null, fetchedBefore = false): Step {
    const found = new Reply(desk.arena.bytes);
    described?.(found);
    desk.output.open(connection);
    return lease.begin(connection, request, described && found, fetchedBefore);
  }

  test("asks, waits, and sends what was granted", () => {
    desk.router.says(Outcome.sent);
    expect(begin(null)).toBe(Step.awaits);
    expect(connection.wait?.operation === lease).toBe(true);
    expect(desk.run(lease, connection, request, large(1))).toBe(Step.follows);
    expect(sent).toEqual([ItemMark.large]);
  });

  test("says of a plain read whether the item had been read before it", () => {
    desk.router.says(Outcome.done, large(1)).says(Outcome.done, large(1, ItemMark.fetched));
    begin(null, true);
    begin(null, false);
    expect(sent).toEqual([ItemMark.large | ItemMark.fetched, ItemMark.large]);
  });

  test("a fetch gets the value that was described to it, with its marks", () => {
    desk.router.says(Outcome.done, large(8));
    expect(begin(large(8, ItemMark.won))).toBe(Step.follows);
    expect(sent).toEqual([ItemMark.large | ItemMark.won]);
  });

  test("another value is let go, and the request executed again", () => {
    desk.router.says(Outcome.done, hit("", { marks: ItemMark.large, casLow: 9, handle: 4 }));
    expect(begin(large(8))).toBe(Step.again);
    expect(desk.router.letGone).toEqual([4]);
    expect(sent).toEqual([]);
  });

  test("a fetch that ends its item goes on with that, keeping the lease", () => {
    desk.router.says(Outcome.done, hit("", { marks: ItemMark.large, casLow: 8, handle: 4 }));
    expect(begin(large(8, ItemMark.expiring))).toBe(Step.awaits);
    expect(ended).toBe(1);
    expect(connection.wait?.found.handle).toBe(4);
  });

  for (const [of, text] of [
    [Status.miss, "END\r\n"],
    [Status.notFound, "END\r\n"],
    [Status.outOfMemory, "SERVER_ERROR out of memory writing get response\r\n"],
    [Status.ownerLost, "SERVER_ERROR"],
  ] as const) {
    test(`no lease, status ${of}: ${text.trim()}`, () => {
      desk.router.says(Outcome.done, status(of));
      expect(begin(null)).toBe(Step.done);
      expect(desk.written()).toContain(text);
    });
  }

  test("a value that is small now is read again", () => {
    desk.router.says(Outcome.done, hit("red"));
    expect(begin(null)).toBe(Step.again);
  });

  test("a full ring, or no room: asked later; what a fetch described is not forgotten", () => {
    desk.router.says(Outcome.full).says(Outcome.done, large(8));
    expect(begin(large(8))).toBe(Step.refused);
    expect(desk.run(lease, connection, request)).toBe(Step.follows);
    const narrow = desk.connection();
    desk.fill(narrow);
    desk.output.open(narrow);
    expect(lease.begin(narrow, request, null, false)).toBe(Step.noRoom);
  });
});

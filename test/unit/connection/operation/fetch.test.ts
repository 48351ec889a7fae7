import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../../src/command/op.ts";
import { ItemMark, type Reply } from "../../../../src/command/reply.ts";
import { Status } from "../../../../src/command/status.ts";
import type { Connection } from "../../../../src/connection/connection.ts";
import { Fetch } from "../../../../src/connection/operation/fetch.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Outcome } from "../../../../src/router/outcome.ts";
import { Desk, hit, status } from "../desk.ts";

const GAT = "gat 30 apple\r\n";

describe("Fetch", () => {
  let desk: Desk;
  let connection: Connection;
  let leased: (number | undefined)[];
  let kept: string[];
  let fetch: Fetch;

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
    leased = [];
    kept = [];
    fetch = new Fetch(
      desk.tools,
      {
        begin: (_connection, _request, described) => {
          leased.push(described?.casLow);
          return Step.awaits;
        },
      },
      {
        begin: (_connection, _request, { found }) => {
          const { value, valueStart, valueBytes } = found;
          kept.push(Buffer.from(value.subarray(valueStart, valueStart + valueBytes)).toString());
          return Step.awaits;
        },
      },
      1000,
    );
  });

  const run = (answer?: (reply: Reply) => void) =>
    desk.run(fetch, connection, desk.parse(GAT, connection), answer);

  test("in its own shard: as a get", () => {
    desk.router.says(Outcome.done, hit("red"));
    expect(run()).toBe(Step.done);
    expect(desk.written()).toBe("VALUE apple 0 3\r\nred\r\nEND\r\n");
    expect(desk.looked).toEqual([Op.fetch]);
    expect(connection.wait).toBeNull();
  });

  test("elsewhere: waits for the description, then reads the value it describes", () => {
    desk.router.says(Outcome.sent).says(Outcome.hit, hit("red"));
    expect(run()).toBe(Step.awaits);
    expect(connection.wait?.operation === fetch).toBe(true);
    expect(run(hit("???"))).toBe(Step.done);
    expect(desk.router.asked).toEqual([`mutate ${Op.fetch}`, "readFetched"]);
    expect(desk.written()).toBe("VALUE apple 0 3\r\nred\r\nEND\r\n");
  });

  test("a sleeping owner's is described at once", () => {
    desk.router.says(Outcome.described, hit("???")).says(Outcome.hit, hit("red"));
    expect(run()).toBe(Step.done);
    expect(desk.written()).toContain("red");
  });

  test("a value that is no longer the one described is fetched again", () => {
    desk.router.says(Outcome.changed).says(Outcome.sent);
    expect(run(hit("???"))).toBe(Step.awaits);
    expect(desk.router.asked).toEqual(["readFetched", `mutate ${Op.fetch}`]);
    expect(desk.written()).toBe("");
  });

  test("room comes first: a fetch is not sent, and its answer not looked at, before", () => {
    desk.fill(connection);
    expect(run()).toBe(Step.noRoom);
    expect(run(hit("???"))).toBe(Step.noRoom);
    expect(desk.router.asked).toEqual([]);
  });

  test("a full ring: nothing has happened", () => {
    desk.router.says(Outcome.full);
    expect(run()).toBe(Step.refused);
    expect(connection.wait).toBeNull();
  });

  test("a miss is answered", () => {
    expect(run(status(Status.miss))).toBe(Step.done);
    expect(desk.written()).toBe("END\r\n");
  });

  test("a large value is leased, by the CAS that was described", () => {
    expect(run(hit("", { marks: ItemMark.large, casLow: 99 }))).toBe(Step.awaits);
    desk.router.says(Outcome.done, hit("", { marks: ItemMark.large, casLow: 100 }));
    expect(run()).toBe(Step.awaits);
    expect(leased).toEqual([99, 100]);
  });

  test("one that ends its item keeps the value before it does", () => {
    desk.router.says(Outcome.hit, hit("red"));
    expect(run(hit("???", { marks: ItemMark.expiring }))).toBe(Step.awaits);
    expect(kept).toEqual(["red"]);
    expect(desk.written()).toBe("");
  });

  test("and is fetched again when the value has changed by then: nothing is answered unended", () => {
    desk.router.says(Outcome.changed).says(Outcome.sent);
    expect(run(hit("???", { marks: ItemMark.expiring }))).toBe(Step.awaits);
    expect(kept).toEqual([]);
    expect(desk.router.asked).toEqual(["readFetched", `mutate ${Op.fetch}`]);
  });
});

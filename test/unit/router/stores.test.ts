/** What a router does at once in the shards of sleeping owners, and what it does not. */
import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Mark } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { Order } from "../../../src/router/order.ts";
import { Outcome } from "../../../src/router/outcome.ts";
import type { Router } from "../../../src/router/router.ts";
import { endLoans } from "../../../src/router/stores.ts";
import { keyOfShard, readKey, requestFor, ShardWorld } from "../../support/shard-world.ts";

let world: ShardWorld;
let order: Order;
let reply: Reply;
let router: Router;
let key: string;

beforeEach(() => {
  world = new ShardWorld(2, 512, true);
  order = new Order();
  reply = new Reply(new Uint8Array(0));
  router = world.router(0);
  key = keyOfShard(router, 1);
});

const store = (name: string, value: string) =>
  router.mutate(requestFor(router, Op.store, name, value), reply, order, 1);
const onLoan = () => world.counters[0]?.value(Counter.requestsOnLoan);

describe("a mutation of a sleeping owner's shard", () => {
  test("is done at once; the owner sleeps on", () => {
    world.sleep(1);
    expect(store(key, "v")).toBe(Outcome.done);
    expect(reply.status).toBe(Status.stored);
    expect(order.pending).toBe(0);
    expect(readKey(router, order, key)).toBe("v");
    expect(onLoan()).toBe(1);
    expect(world.rung).toEqual([]);
  });

  test("is sent when the owner is awake", () => {
    expect(store(key, "v")).toBe(Outcome.sent);
    world.sleep(1);
    world.rouse(1);
    expect(store(key, "w")).toBe(Outcome.sent);
    expect(onLoan()).toBe(0);
  });

  test("is sent behind what is on its way, and wakes the owner once", () => {
    expect(store(key, "first")).toBe(Outcome.sent);
    world.sleep(1);
    expect(store(key, "second")).toBe(Outcome.sent);
    router.publish();
    expect(world.rung).toEqual([1]);
    world.settle();
    expect(readKey(router, order, key)).toBe("second");
    world.sleep(1);
    expect(store(key, "third")).toBe(Outcome.done);
    expect(readKey(router, order, key)).toBe("third");
  });

  test("is sent while somebody else has the shard, and who gives it back wakes the owner", () => {
    world.sleep(1);
    const { borrower } = world.loans(2);
    expect(borrower.tryBorrow(1)).toBe(true);
    expect(store(key, "v")).toBe(Outcome.sent);
    router.publish();
    expect(world.rung).toEqual([]);
    expect(borrower.giveBack(1)).toBe(true);
    expect(world.rung).toEqual([1]);
    world.settle();
    expect(readKey(router, order, key)).toBe("v");
  });

  test("is sent while a delayed flush is due, which comes first", () => {
    world.sleep(1);
    world.store(1).overdue = true;
    expect(store(key, "v")).toBe(Outcome.sent);
    expect(world.store(1).log).toEqual([]);
    world.store(1).overdue = false;
  });

  test("is done by the primary too, which owns nothing", () => {
    world.sleep(0);
    world.sleep(1);
    const primary = world.router(2);
    for (const shard of [0, 1]) {
      const name = keyOfShard(primary, shard);
      const request = requestFor(primary, Op.store, name, "v");
      expect(primary.mutate(request, reply, order, 1)).toBe(Outcome.done);
      expect(readKey(primary, order, name)).toBe("v");
    }
  });
});

describe("a fetch in a sleeping owner's shard", () => {
  test("is described, and its value read as one that came by a reply", () => {
    world.sleep(1);
    store(key, "value");
    const fetch = requestFor(router, Op.fetch, key);
    fetch.marks = Mark.wantsValue | Mark.exptime;
    expect(router.mutate(fetch, reply, order, 1)).toBe(Outcome.described);
    expect(router.readFetched(fetch, reply)).toBe(Outcome.hit);
    const end = reply.valueStart + reply.valueBytes;
    expect(Buffer.from(reply.value.slice(reply.valueStart, end)).toString()).toBe("value");
    expect(router.confirm()).toBe(true);
  });
});

describe("leases and uploads in a sleeping owner's shard", () => {
  test("an upload begins, goes on and ends at once", () => {
    world.sleep(1);
    const value = "0123456789".repeat(30);
    const request = requestFor(router, Op.store, key, value);
    expect(router.uploadBegin(request, reply, order, 1)).toBe(Outcome.done);
    expect(reply.status).toBe(Status.ok);
    const ticket = reply.handle;
    const bytes = Buffer.from(value);
    expect(router.uploadData(ticket, bytes, 0, bytes.length)).toBe(bytes.length);
    expect(router.uploadEnd(ticket, reply, order, 1)).toBe(Outcome.done);
    expect(reply.status).toBe(Status.stored);
    expect(readKey(router, order, key)).toBe(value);
    expect(world.store(1).uploads.size).toBe(0);
    expect(order.tickets).toBe(0);
  });

  test("an upload begun on loan goes on through the ring when its owner has woken", () => {
    world.sleep(1);
    const value = "0123456789".repeat(30);
    expect(router.uploadBegin(requestFor(router, Op.store, key, value), reply, order, 1)).toBe(
      Outcome.done,
    );
    const ticket = reply.handle;
    world.rouse(1);
    const bytes = Buffer.from(value);
    for (let at = 0; at < bytes.length; ) {
      at += router.uploadData(ticket, bytes, at, bytes.length);
      world.settle();
    }
    expect(router.uploadEnd(ticket, reply, order, 7)).toBe(Outcome.sent);
    world.settle();
    expect(world.answers[0]).toMatchObject([{ token: 7, status: Status.stored }]);
    expect(readKey(router, order, key)).toBe(value);
  });

  test("a lease is had and let go at once", () => {
    world.sleep(1);
    world.store(1).largeBytes = 4;
    store(key, "large");
    const read = requestFor(router, Op.get, key);
    expect(router.lease(read, reply, order, 1)).toBe(Outcome.done);
    expect(reply.status).toBe(Status.hit);
    expect(world.store(1).leases.size).toBe(1);
    router.letGo(reply.handle);
    expect(world.store(1).leases.size).toBe(0);
    expect(order.tickets).toBe(0);
  });
});

describe("a new thread that takes over from one that died", () => {
  test("repairs what was on loan, and wakes an owner that was wanted", () => {
    world.sleep(1);
    world.store(1).fault = () => {
      throw new Error("planted");
    };
    expect(() => store(key, "v")).toThrow("planted");
    world.store(1).fault = null;
    const late = world.newRouter(2);
    expect(late.mutate(requestFor(late, Op.store, key, "late"), reply, order, 1)).toBe(
      Outcome.sent,
    );
    late.publish();
    expect(world.rung).toEqual([]);
    endLoans(world.loans(0), 2);
    expect(world.store(1).log).toEqual(["recover"]);
    expect(world.rung).toEqual([1]);
  });

  test("borrows nothing before its owner has disowned the dead one's uploads", () => {
    expect(store(key, "v")).toBe(Outcome.sent);
    world.settle();
    world.sleep(1);
    router = world.newRouter(0);
    expect(store(key, "w")).toBe(Outcome.sent);
    world.routers[0] = router;
    world.settle();
    world.sleep(1);
    expect(store(key, "x")).toBe(Outcome.done);
  });
});

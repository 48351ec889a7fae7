import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import { ItemMark, Reply } from "../../../src/command/reply.ts";
import { Mark } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { Order } from "../../../src/router/order.ts";
import { Outcome } from "../../../src/router/outcome.ts";
import { keyOfShard, readKey, requestFor, ShardWorld } from "../../support/shard-world.ts";

let world: ShardWorld;
let order: Order;
let reply: Reply;

beforeEach(() => {
  world = new ShardWorld(2);
  order = new Order();
  reply = new Reply(new Uint8Array(0));
});

describe("Router.mutate()", () => {
  test("does at once what concerns the own shard", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 0);
    expect(router.mutate(requestFor(router, Op.store, key, "v"), reply, order, 1)).toBe(
      Outcome.done,
    );
    expect(reply.status).toBe(Status.stored);
    expect(order.pending).toBe(0);
    expect(readKey(router, order, key)).toBe("v");
  });

  test("sends what concerns another shard, and its token comes back once", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    expect(router.mutate(requestFor(router, Op.store, key, "v"), reply, order, 77)).toBe(
      Outcome.sent,
    );
    world.settle();
    expect(world.answers[0]).toMatchObject([{ token: 77, status: Status.stored }]);
    expect(readKey(router, order, key)).toBe("v");
    expect(world.store(1).log).toEqual([`${Op.store} ${key}`]);
  });

  test("from the primary sends to every shard", () => {
    const router = world.router(2);
    for (const shard of [0, 1]) {
      const request = requestFor(router, Op.store, keyOfShard(router, shard), "v");
      expect(router.mutate(request, reply, order, shard)).toBe(Outcome.sent);
    }
    world.settle();
    expect(world.answers[2]).toHaveLength(2);
  });

  test("refuses when the ring is full, and says when there is room", () => {
    const router = world.router(0);
    const request = requestFor(router, Op.store, keyOfShard(router, 1), "v".repeat(100));
    let sent = 0;
    while (router.mutate(request, reply, order, sent) === Outcome.sent) sent++;
    expect(sent).toBe(3);
    expect(router.isReady()).toBe(false);
    expect(world.poll(0)).toBe(0);
    router.publish();
    world.shard(1).serve(1);
    world.shard(1).publish();
    expect(router.isReady()).toBe(true);
    expect(world.poll(0)).toBe(2); // a reply, and room
    expect(router.isReady()).toBe(false);
    expect(router.mutate(request, reply, order, sent)).toBe(Outcome.sent);
  });

  test("hears of room that came without a reply: the pad before a record as large as the ring", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    router.mutate(requestFor(router, Op.touch, key), reply, order, 1);
    world.settle();
    const large = requestFor(router, Op.store, key, "v".repeat(440));
    expect(router.mutate(large, reply, order, 2)).toBe(Outcome.full);
    router.publish();
    expect(router.isReady()).toBe(false);
    world.sleep(0);
    expect(world.shard(1).serve(10)).toBe(0);
    world.shard(1).publish();
    expect(world.rung).toEqual([0]);
    expect(router.isReady()).toBe(true);
    expect(world.poll(0)).toBe(1);
    expect(router.mutate(large, reply, order, 2)).toBe(Outcome.sent);
    world.settle();
    expect(readKey(router, order, key)).toBe("v".repeat(440));
  });

  test("refuses without a free reply slot, whatever room the ring has", () => {
    const router = world.router(0);
    const request = requestFor(router, Op.delete, keyOfShard(router, 1));
    let sent = 0;
    while (router.mutate(request, reply, order, sent) === Outcome.sent) sent++;
    expect(sent).toBe(512 / 128);
    world.settle();
    expect(world.answers[0]?.map((answer) => answer.token)).toEqual([0, 1, 2, 3]);
  });

  test("wakes a sleeping owner once a batch, and the owner its sleeping requester", () => {
    const router = world.router(0);
    const request = requestFor(router, Op.delete, keyOfShard(router, 1));
    world.sleep(1);
    for (let token = 0; token < 4; token++) router.mutate(request, reply, order, token);
    expect(world.rung).toEqual([]);
    router.publish();
    router.publish();
    expect(world.rung).toEqual([1]);
    world.sleep(0);
    world.shard(1).serve(10);
    world.shard(1).publish();
    world.shard(1).publish();
    expect(world.rung).toEqual([1, 0]);
  });
});

describe("Router.read()", () => {
  test("waits for the order's own mutation of that key, and of that key only", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    const other = keyOfShard(router, 1, 1);
    router.mutate(requestFor(router, Op.store, key, "new"), reply, order, 1);
    expect(readKey(router, order, key)).toBe(Outcome.busy);
    expect(readKey(router, order, other)).toBe(Outcome.miss);
    expect(readKey(router, new Order(), key)).toBe(Outcome.miss);
    world.settle();
    expect(readKey(router, order, key)).toBe("new");
  });

  test("waits after a broadcast for every key of other shards", () => {
    const router = world.router(0);
    expect(router.broadcast(requestFor(router, Op.flush, ""), reply, order, 5)).toBe(Outcome.sent);
    expect(readKey(router, order, keyOfShard(router, 1))).toBe(Outcome.busy);
    expect(readKey(router, order, keyOfShard(router, 0))).toBe(Outcome.miss);
    world.settle();
    expect(readKey(router, order, keyOfShard(router, 1))).toBe(Outcome.miss);
  });

  test("looks again at a busy bucket, then asks its owner", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    const reader = world.readers[1];
    if (reader === undefined) throw new Error("there are two readers");
    reader.busyLooks = 3;
    expect(readKey(router, order, key, 9)).toBe(Outcome.miss);
    reader.busyLooks = 1000;
    expect(readKey(router, order, key, 9)).toBe(Outcome.sent);
    reader.busyLooks = 0;
    world.settle();
    expect(world.answers[0]).toMatchObject([{ token: 9, status: Status.ok }]);
    expect(readKey(router, order, key, 9)).toBe(Outcome.miss);
  });

  test("of a busy bucket behind a full ring is refused, and nothing comes back for it", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    const request = requestFor(router, Op.delete, key);
    while (router.mutate(request, reply, new Order(), 1) === Outcome.sent) {}
    const reader = world.readers[1];
    if (reader === undefined) throw new Error("there are two readers");
    reader.busyLooks = 1000;
    expect(readKey(router, order, key, 9)).toBe(Outcome.full);
    world.settle();
    expect(world.answers[0]?.some((answer) => answer.token === 9)).toBe(false);
  });
});

describe("Router.readFetched()", () => {
  test("finds the value the owner described", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    world.router(1).mutate(requestFor(router, Op.store, key, "v1"), reply, order, 0);
    const fetch = requestFor(router, Op.fetch, key);
    expect(router.mutate(fetch, reply, order, 1)).toBe(Outcome.sent);
    world.settle();
    reply.status = Status.hit;
    reply.casLow = world.answers[0]?.[0]?.casLow as number;
    expect(router.readFetched(fetch, reply)).toBe(Outcome.hit);
    expect(Buffer.from(reply.value).toString()).toBe("v1");
    expect(router.confirm()).toBe(true);
  });

  test("says changed when it was replaced since, and keeps the token won by the first try", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    const set = requestFor(router, Op.store, key, "v1");
    world.router(1).mutate(set, reply, order, 0);
    const fetch = requestFor(router, Op.fetch, key);
    fetch.marks = Mark.recache;
    router.mutate(fetch, reply, order, 1);
    world.settle();
    const first = world.answers[0]?.[0];
    expect(first?.marks).toBe(ItemMark.won);
    const entry = world.store(1).entries.get(key);
    if (entry === undefined || first === undefined) throw new Error("it was stored and fetched");
    entry.cas = 1000; // changed in place, the token still out
    reply.status = Status.hit;
    reply.marks = first.marks;
    reply.casLow = first.casLow;
    expect(router.readFetched(fetch, reply)).toBe(Outcome.changed);
    router.mutate(fetch, reply, order, 2);
    world.settle();
    expect(world.answers[0]?.[1]).toMatchObject({ marks: ItemMark.won, casLow: 1000 });
  });
});

describe("Router.broadcast()", () => {
  test("reaches every shard, and its token comes back when all have done it", () => {
    world = new ShardWorld(3);
    const router = world.router(1);
    expect(router.broadcast(requestFor(router, Op.flush, ""), reply, order, 4)).toBe(Outcome.sent);
    expect(world.store(1).log).toHaveLength(1);
    router.publish();
    world.shard(0).serve(10);
    world.shard(0).publish();
    world.poll(1);
    expect(world.answers[1]).toEqual([]);
    expect(order.pending).toBe(1);
    world.settle();
    expect(world.answers[1]).toMatchObject([{ token: 4, status: Status.ok }]);
    expect(order.pending).toBe(0);
  });

  test("with one shard is done at once", () => {
    world = new ShardWorld(1);
    const router = world.router(0);
    expect(router.broadcast(requestFor(router, Op.flush, ""), reply, order, 4)).toBe(Outcome.done);
  });

  test("asks no shard when one ring is full", () => {
    world = new ShardWorld(3);
    const router = world.router(0);
    const request = requestFor(router, Op.delete, keyOfShard(router, 2));
    while (router.mutate(request, reply, order, 1) === Outcome.sent) {}
    expect(router.broadcast(requestFor(router, Op.flush, ""), reply, order, 4)).toBe(Outcome.full);
    world.settle();
    expect(world.store(0).log).toEqual([]);
    expect(world.store(1).log).toEqual([]);
  });
});

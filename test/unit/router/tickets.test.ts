import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Status } from "../../../src/command/status.ts";
import { Order } from "../../../src/router/order.ts";
import { Outcome } from "../../../src/router/outcome.ts";
import { TICKETS_MAX } from "../../../src/router/ticket-table.ts";
import { keyOfShard, requestFor, ShardWorld } from "../../support/shard-world.ts";

let world: ShardWorld;
let order: Order;
let reply: Reply;

beforeEach(() => {
  world = new ShardWorld(2);
  order = new Order();
  reply = new Reply(new Uint8Array(0));
});

/** Begins an upload of `bytes` bytes to `shard`; its ticket. */
function begin(shard: number, key: string, bytes: number): number {
  const router = world.router(0);
  const request = requestFor(router, Op.store, key);
  request.valueBytes = bytes;
  const outcome = router.uploadBegin(request, reply, order, 1);
  expect(request.op).toBe(Op.store);
  if (shard === 0) {
    expect(outcome).toBe(Outcome.done);
    return reply.handle;
  }
  expect(outcome).toBe(Outcome.sent);
  world.settle();
  return world.answers[0]?.at(-1)?.handle as number;
}

for (const [shard, where] of [
  [0, "the own shard"],
  [1, "another shard"],
] as const) {
  describe(`uploads to ${where}`, () => {
    test("arrive whole, in pieces of any size, with rings of 512 bytes", () => {
      const router = world.router(0);
      const key = keyOfShard(router, shard);
      const value = new Uint8Array(10_000).map((_, at) => (at * 31) & 0xff);
      const ticket = begin(shard, key, value.length);
      for (let at = 0, piece = 1; at < value.length; piece = (piece * 7) % 1000) {
        const end = Math.min(value.length, at + piece);
        while (at < end) {
          at += router.uploadData(ticket, value, at, end);
          world.turn();
        }
      }
      const outcome = router.uploadEnd(ticket, reply, order, 2);
      expect(outcome).toBe(shard === 0 ? Outcome.done : Outcome.sent);
      world.settle();
      expect(world.store(shard).entries.get(key)?.value).toEqual(value);
      expect(world.store(shard).uploads.size).toBe(0);
    });

    test("are dropped when their connection closes, before and after they are granted", () => {
      const router = world.router(0);
      const key = keyOfShard(router, shard);
      begin(shard, key, 100);
      expect(world.store(shard).uploads.size).toBe(1);
      router.close(order);
      world.settle();
      expect(world.store(shard).uploads.size).toBe(0);

      order = new Order();
      router.uploadBegin(requestFor(router, Op.store, key), reply, order, 3);
      router.close(order);
      world.settle();
      expect(world.store(shard).uploads.size).toBe(0);
      expect(world.store(shard).entries.size).toBe(0);
      expect(order.tickets).toBe(0);
    });
  });

  describe(`leases on ${where}`, () => {
    test("hold a value that is replaced, until they are let go", () => {
      const router = world.router(0);
      const key = keyOfShard(router, shard);
      world.router(shard).mutate(requestFor(router, Op.store, key, "old"), reply, order, 0);
      const request = requestFor(router, Op.get, key);
      router.lease(request, reply, order, 1);
      expect(request.op).toBe(Op.get);
      world.settle();
      const ticket = shard === 0 ? reply.handle : (world.answers[0]?.[0]?.handle as number);
      expect(router.ticketShard(ticket)).toBe(shard);
      world.router(shard).mutate(requestFor(router, Op.store, key, "new"), reply, order, 0);
      const lease = world.store(shard).leases.get(router.ticketHandle(ticket));
      expect(Buffer.from(lease?.value ?? []).toString()).toBe("old");
      router.letGo(ticket);
      world.settle();
      expect(world.store(shard).leases.size).toBe(0);
      expect(order.tickets).toBe(0);
    });

    test("of an absent key hold nothing", () => {
      const router = world.router(0);
      router.lease(requestFor(router, Op.get, keyOfShard(router, shard)), reply, order, 1);
      world.settle();
      expect(order.tickets).toBe(0);
    });
  });
}

describe("an upload that loses a piece", () => {
  for (const [status, name] of [
    [Status.outOfMemory, "for want of memory"],
    [Status.ownerLost, "with its owner"],
  ] as const) {
    test(`${name} says so at its end, and is not stored`, () => {
      const router = world.router(0);
      const key = keyOfShard(router, 1);
      const value = new Uint8Array(300);
      const ticket = begin(1, key, value.length);
      const store = world.store(1);
      store.fault = (request) => {
        if (request.op !== Op.uploadData) return;
        if (status === Status.ownerLost) throw new Error("planted");
        store.uploads.clear();
      };
      expect(router.uploadData(ticket, value, 0, 300)).toBe(300);
      expect(router.uploadEnd(ticket, reply, order, 5)).toBe(Outcome.sent);
      router.publish();
      if (status === Status.ownerLost) {
        expect(() => world.shard(1).serve(10)).toThrow("planted");
        store.fault = null;
        world.shards[1] = world.newShard(1);
        expect(world.shard(1).recoverLinks()).toBe(1);
      }
      world.settle();
      const told = status === Status.ownerLost ? status : Status.notFound;
      expect(world.answers[0]?.at(-1)).toMatchObject({ token: 5, status: told });
      expect(store.entries.size).toBe(0);
      expect(store.uploads.size).toBe(0);
      expect(order.tickets).toBe(0);
    });
  }
});

describe("Router.letGo()", () => {
  test("is not refused by a full ring: the release goes out as soon as there is room", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    world.router(1).mutate(requestFor(router, Op.store, key, "v"), reply, order, 0);
    const tickets: number[] = [];
    for (let i = 0; i < 10; i++) {
      router.lease(requestFor(router, Op.get, key), reply, order, i);
      world.settle();
      tickets.push(world.answers[0]?.at(-1)?.handle as number);
    }
    expect(world.store(1).leases.size).toBe(10);
    while (router.mutate(requestFor(router, Op.touch, key), reply, order, 1) === Outcome.sent) {}
    for (const ticket of tickets) router.letGo(ticket);
    world.settle();
    expect(world.store(1).leases.size).toBe(0);
    expect(order.tickets).toBe(0);
  });
});

describe("tickets", () => {
  test("end; who was refused one hears when there are some again", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 0);
    router.mutate(requestFor(router, Op.store, key, "v"), reply, order, 0);
    const request = requestFor(router, Op.get, key);
    const tickets: number[] = [];
    while (router.lease(request, reply, order, 0) === Outcome.done) tickets.push(reply.handle);
    expect(tickets).toHaveLength(TICKETS_MAX);
    expect(router.isReady()).toBe(false);
    router.letGo(tickets[7] as number);
    expect(router.isReady()).toBe(true);
    expect(world.poll(0)).toBe(1);
    expect(router.lease(request, reply, order, 0)).toBe(Outcome.done);
    expect(reply.status).toBe(Status.hit);
    router.close(order);
    expect(world.store(0).leases.size).toBe(0);
  });
});

import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Status } from "../../../src/command/status.ts";
import { Order } from "../../../src/router/order.ts";
import { Outcome } from "../../../src/router/outcome.ts";
import { keyOfShard, readKey, requestFor, ShardWorld } from "../../support/shard-world.ts";

let world: ShardWorld;
let order: Order;
let reply: Reply;

beforeEach(() => {
  world = new ShardWorld(2, 4096);
  order = new Order();
  reply = new Reply(new Uint8Array(0));
});

describe("Shard.serve()", () => {
  test("serves at most what it is told to, and fairly between requesters", () => {
    for (const thread of [0, 2]) {
      const router = world.router(thread);
      const request = requestFor(router, Op.delete, keyOfShard(router, 1));
      for (let i = 0; i < 32; i++) router.mutate(request, reply, order, i);
      router.publish();
    }
    expect(world.shard(1).serve(5)).toBe(5);
    expect(world.shard(1).serve(5)).toBe(5);
    world.shard(1).publish();
    expect(world.poll(0)).toBe(5);
    expect(world.poll(2)).toBe(5);
    expect(world.shard(1).isReady()).toBe(true);
    expect(world.shard(1).serve(1000)).toBe(54);
    expect(world.shard(1).isReady()).toBe(false);
  });

  test("hands the store a request as it was sent", () => {
    const router = world.router(0);
    const key = keyOfShard(router, 1);
    const request = requestFor(router, Op.store, key, "value");
    request.clientFlags = 0xfedc_ba98;
    router.mutate(request, reply, order, 1);
    world.settle();
    const entry = world.store(1).entries.get(key);
    expect(entry?.clientFlags).toBe(0xfedc_ba98);
    expect(Buffer.from(entry?.value ?? []).toString()).toBe("value");
  });
});

describe("Shard.recoverLinks()", () => {
  test("answers the record in hand with ownerLost, does not run it again, and serves the rest", () => {
    const router = world.router(0);
    const keys = [0, 1, 2].map((n) => keyOfShard(router, 1, n));
    keys.forEach((key, n) => {
      router.mutate(requestFor(router, Op.store, key, `v${n}`), reply, order, n);
    });
    router.publish();
    const store = world.store(1);
    store.fault = (request) => {
      if (request.valueEnd > request.valueStart && store.log.length === 1)
        throw new Error("planted");
    };
    expect(() => world.shard(1).serve(10)).toThrow("planted");
    store.fault = null;

    world.shards[1] = world.newShard(1);
    expect(world.shard(1).recoverLinks()).toBe(1);
    world.settle();
    expect(world.answers[0]?.map((answer) => answer.status)).toEqual([
      Status.stored,
      Status.ownerLost,
      Status.stored,
    ]);
    expect(store.log.filter((line) => line.startsWith(`${Op.store}`))).toHaveLength(2);
    expect(order.pending).toBe(0);
    expect(readKey(router, order, keys[2] as string)).toBe("v2");
  });

  test("shows a reply its predecessor had written and not published, without a second execution", () => {
    const router = world.router(0);
    router.mutate(requestFor(router, Op.store, keyOfShard(router, 1), "v"), reply, order, 7);
    router.publish();
    expect(world.shard(1).serve(10)).toBe(1);
    world.shards[1] = world.newShard(1);
    expect(world.shard(1).recoverLinks()).toBe(0);
    world.settle();
    expect(world.answers[0]).toMatchObject([{ token: 7, status: Status.stored }]);
    expect(world.store(1).log.filter((line) => line.startsWith(`${Op.store}`))).toHaveLength(1);
  });

  test("keeps a reply that was complete when its owner died, and goes on behind its record", () => {
    const router = world.router(0);
    for (const token of [1, 2]) {
      const key = keyOfShard(router, 1, token);
      router.mutate(requestFor(router, Op.store, key, "v"), reply, order, token);
    }
    router.publish();
    expect(world.shard(1).serve(1)).toBe(1);
    world.undoAdvance(0, 1);
    world.shards[1] = world.newShard(1);
    expect(world.shard(1).recoverLinks()).toBe(0);
    world.settle();
    expect(world.answers[0]).toMatchObject([
      { token: 1, status: Status.stored },
      { token: 2, status: Status.stored },
    ]);
    expect(world.store(1).log.filter((line) => line.startsWith(`${Op.store}`))).toHaveLength(2);
  });

  test("wakes a requester whose reply was shown by an owner that died before it woke it", () => {
    const router = world.router(0);
    router.mutate(requestFor(router, Op.delete, keyOfShard(router, 1)), reply, order, 7);
    router.publish();
    world.shard(1).serve(10);
    world.shard(1).publish();
    world.sleep(0);
    world.shards[1] = world.newShard(1);
    world.shard(1).recoverLinks();
    expect(world.rung).toContain(0);
  });

  test("drops what the dead thread's own connections had open, and only that", () => {
    const mine = world.router(1);
    const others = world.router(0);
    const key = keyOfShard(mine, 1);
    mine.uploadBegin(requestFor(mine, Op.store, key), reply, order, 1);
    others.uploadBegin(requestFor(others, Op.store, key), reply, order, 1);
    world.settle();
    expect(world.store(1).uploads.size).toBe(2);
    world.shards[1] = world.newShard(1);
    world.shard(1).recoverLinks();
    expect([...world.store(1).uploads.values()].map((upload) => upload.requester)).toEqual([0]);
  });
});

describe("a requester's successor", () => {
  test("ignores replies to its predecessor, whose uploads are dropped before its own begin", () => {
    const dead = world.router(0);
    const key = keyOfShard(dead, 1);
    dead.uploadBegin(requestFor(dead, Op.store, key), reply, order, 1);
    dead.mutate(requestFor(dead, Op.store, key, "sent"), reply, order, 2);
    dead.publish();
    world.shard(1).serve(1);
    world.shard(1).publish();
    dead.mutate(requestFor(dead, Op.store, key, "not published"), reply, order, 3);

    world.routers[0] = world.newRouter(0);
    const router = world.router(0);
    order = new Order();
    expect(router.uploadBegin(requestFor(router, Op.store, key), reply, order, 4)).toBe(
      Outcome.sent,
    );
    world.settle();
    expect(world.answers[0]?.map((answer) => answer.token)).toEqual([4]);
    expect(world.store(1).uploads.size).toBe(1);
    expect(readKey(router, order, key)).toBe("sent");
  });

  test("takes over a full ring, and gets its word in when there is room", () => {
    world = new ShardWorld(2, 512);
    const dead = world.router(0);
    const key = keyOfShard(dead, 1);
    dead.uploadBegin(requestFor(dead, Op.store, key), reply, order, 1);
    while (dead.mutate(requestFor(dead, Op.touch, key), reply, order, 2) === Outcome.sent) {}
    dead.publish();

    world.routers[0] = world.newRouter(0);
    const router = world.router(0);
    order = new Order();
    const set = requestFor(router, Op.store, key, "mine");
    expect(router.mutate(set, reply, order, 9)).toBe(Outcome.full);
    world.settle();
    expect(world.store(1).uploads.size).toBe(0);
    expect(router.mutate(set, reply, order, 9)).toBe(Outcome.sent);
    world.settle();
    expect(world.answers[0]).toMatchObject([{ token: 9, status: Status.stored }]);
  });
});

import { describe, expect, test } from "vitest";
import { KIB, MIB } from "../../../src/base/unit.ts";
import { BlockBudget, OUTPUT_SHARE } from "../../../src/connection/block-budget.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { BLOCK_BYTES_MAX, BlockPool, NO_BLOCK } from "../../../src/memory/block-pool.ts";
import { Counters } from "../../../src/memory/counters.ts";

interface Client {
  readonly peer: string;
  inBlock: number;
  outBlock: number;
}

const POOL_BYTES = 8 * MIB;

class World {
  readonly clients: Client[] = [];
  readonly dropped: Client[] = [];
  readonly pool = new BlockPool(0, POOL_BYTES);
  readonly budget: BlockBudget<Client>;

  constructor() {
    const counters = new Counters(new Arena(new SharedArrayBuffer(MIB)), 0);
    this.budget = new BlockBudget<Client>(this.pool, counters, () => {});
    this.budget.holders = {
      all: () => this.clients,
      drop: (client) => {
        this.dropped.push(client);
        this.clients.splice(this.clients.indexOf(client), 1);
        for (const block of [client.inBlock, client.outBlock]) {
          if (block !== NO_BLOCK) this.pool.give(block);
        }
      },
    };
  }

  client(peer: string, inputBytes = 0): Client {
    const client: Client = { peer, inBlock: NO_BLOCK, outBlock: NO_BLOCK };
    this.clients.push(client);
    if (inputBytes > 0) client.inBlock = this.budget.takeForInput(client, inputBytes);
    return client;
  }
}

describe("BlockBudget", () => {
  test("who holds most pays for who asks for little", () => {
    const world = new World();
    const large = world.client("a", 2 * MIB);
    const rest = Array.from({ length: 4 }, () => world.client("a", MIB));
    const asker = world.client("a", 64 * KIB);
    expect(asker.inBlock).not.toBe(NO_BLOCK);
    expect(world.dropped).toEqual([large]);
    expect(world.clients).toEqual([...rest, asker]);
  });

  test("who would hold most itself is refused, and nobody is closed", () => {
    const world = new World();
    for (let each = 0; each < 6; each++) world.client("a", MIB);
    expect(world.client("a", 2 * MIB).inBlock).toBe(NO_BLOCK);
    expect(world.dropped).toEqual([]);
  });

  test("the address that holds most pays, though none of its connections does", () => {
    const world = new World();
    const honest = world.client("honest", 512 * KIB);
    const crowd = Array.from({ length: 88 }, () => world.client("crowd", 64 * KIB));
    const asker = world.client("honest", 128 * KIB);
    expect(asker.inBlock).not.toBe(NO_BLOCK);
    expect(world.clients).toContain(honest);
    expect(world.dropped.length).toBeGreaterThan(0);
    expect(world.dropped.every((client) => crowd.includes(client))).toBe(true);
  });

  test("input leaves the replies their part of the pool", () => {
    const world = new World();
    for (let each = 0; each < 1000; each++) world.client("a", 16 * KIB);
    expect(world.pool.freeBytes()).toBe(POOL_BYTES * OUTPUT_SHARE);
    const reader = world.client("a");
    expect(world.budget.takeForOutput(reader, POOL_BYTES * OUTPUT_SHARE)).not.toBe(NO_BLOCK);
    expect(world.dropped).toEqual([]);
  });

  test("what no block could hold is refused, and nobody is closed", () => {
    const world = new World();
    world.client("a", 2 * MIB);
    expect(world.client("b", BLOCK_BYTES_MAX + 1).inBlock).toBe(NO_BLOCK);
    expect(world.dropped).toEqual([]);
  });
});

describe("BlockPool.giveIdle()", () => {
  test("names what was touched once it was free for two looks, and nothing else", () => {
    const pool = new BlockPool(0, POOL_BYTES);
    const given: [number, number][] = [];
    const look = (): [number, number][] => {
      given.length = 0;
      pool.giveIdle((offset, bytes) => given.push([offset, bytes]));
      return [...given];
    };
    expect(look()).toEqual([]);
    const held = pool.take(MIB);
    const block = pool.take(MIB);
    pool.give(block);
    expect(look()).toEqual([]);
    expect(look()).toEqual([[block, MIB]]);
    expect(look()).toEqual([]);
    pool.give(held);
    expect([look(), look(), look()]).toEqual([[], [[held, MIB]], []]);
  });

  test("what is used from look to look is kept", () => {
    const pool = new BlockPool(0, POOL_BYTES);
    for (let turn = 0; turn < 5; turn++) {
      pool.give(pool.take(64 * KIB));
      pool.giveIdle(() => expect.unreachable("it is in use"));
    }
  });
});

/**
 * Routers and shards under any schedule: several threads, rings of 512 bytes, connections that
 * pipeline sets, deletes and gets on few keys, turns of threads in any order. Whatever the
 * schedule, each connection sees its own requests take effect in order, key by key, each token
 * comes back once, and nothing is left over.
 *
 * Each connection has keys of its own, so a Map says what each of its gets must find.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Op } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Status } from "../../src/command/status.ts";
import { Order } from "../../src/router/order.ts";
import { Outcome } from "../../src/router/outcome.ts";
import { readKey, requestFor, ShardWorld } from "../support/shard-world.ts";

interface Ask {
  readonly op: "set" | "delete" | "get";
  readonly key: number;
  readonly bytes: number;
}

/** Who waits for a token, and for what status; null once it has come back. */
type Tokens = Map<number, { client: Client; expected: number | null }>;

/** A connection: a script, performed in order, each request as soon as the router takes it. */
class Client {
  readonly #world: ShardWorld;
  readonly #thread: number;
  readonly #name: string;
  readonly #script: readonly Ask[];
  readonly #order = new Order();
  readonly #model = new Map<string, string>();
  readonly #tokens: Tokens;
  #at = 0;
  pending = 0;

  constructor(
    world: ShardWorld,
    thread: number,
    name: string,
    script: readonly Ask[],
    tokens: Tokens,
  ) {
    this.#world = world;
    this.#thread = thread;
    this.#name = name;
    this.#script = script;
    this.#tokens = tokens;
  }

  isDone(): boolean {
    return this.#at === this.#script.length && this.pending === 0;
  }

  /** Performs up to `count` requests; stops at the first that must wait. */
  go(count: number): void {
    for (let i = 0; i < count && this.#at < this.#script.length; i++) {
      if (!this.#perform(this.#script[this.#at] as Ask)) return;
      this.#at++;
    }
  }

  #perform(ask: Ask): boolean {
    const router = this.#world.router(this.#thread);
    const key = `${this.#name}.${ask.key}`;
    const token = this.#tokens.size;
    if (ask.op === "get") {
      const found = readKey(router, this.#order, key, token);
      if (found === Outcome.busy || found === Outcome.full) return false;
      if (found === Outcome.sent) {
        this.#expect(token, Status.ok);
        return false;
      }
      expect(found).toBe(this.#model.get(key) ?? Outcome.miss);
      return true;
    }
    const value = ask.op === "set" ? `${this.#at}`.padEnd(ask.bytes, "x") : "";
    const op = ask.op === "set" ? Op.store : Op.delete;
    const reply = new Reply(new Uint8Array(0));
    const outcome = router.mutate(requestFor(router, op, key, value), reply, this.#order, token);
    if (outcome === Outcome.full) return false;
    const had = this.#model.delete(key);
    if (ask.op === "set") this.#model.set(key, value);
    const status = ask.op === "set" ? Status.stored : had ? Status.deleted : Status.notFound;
    if (outcome === Outcome.sent) this.#expect(token, status);
    else expect(reply.status).toBe(status);
    return true;
  }

  #expect(token: number, expected: number): void {
    this.pending++;
    this.#tokens.set(token, { client: this, expected });
  }
}

const asks = fc.array(
  fc.record({
    op: fc.constantFrom("set" as const, "set" as const, "delete" as const, "get" as const),
    key: fc.nat({ max: 3 }),
    bytes: fc.nat({ max: 160 }),
  }),
  { maxLength: 40 },
);

test("Router and Shard keep each connection's order, key by key, under any schedule", () => {
  fc.assert(
    fc.property(
      fc.array(asks, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat({ max: 1 << 16 }), { maxLength: 300 }),
      (scripts, schedule) => {
        const workers = 2;
        const world = new ShardWorld(workers, 512);
        const tokens: Tokens = new Map();
        const clients = scripts.map(
          (script, at) => new Client(world, at % (workers + 1), `c${at}`, script, tokens),
        );
        const hear = (thread: number): void => {
          world.poll(thread);
          for (const answer of world.answers[thread]?.splice(0) ?? []) {
            const waiting = tokens.get(answer.token);
            expect(answer.status).toBe(waiting?.expected);
            tokens.set(answer.token, { client: waiting?.client as Client, expected: null });
            if (waiting !== undefined) waiting.client.pending--;
          }
        };
        const step = (what: number): void => {
          const thread = (what >>> 3) % (workers + 1);
          const reader = world.readers[thread];
          if ((what & 7) < 3) clients[(what >>> 3) % clients.length]?.go(1 + (what >>> 8) * 2);
          else if ((what & 7) === 3) world.router(thread).publish();
          else if ((what & 7) === 4) hear(thread);
          else if ((what & 7) === 5 && reader !== undefined) reader.busyLooks = what >>> 8;
          else if (thread < workers && (what & 7) === 6) world.shard(thread).publish();
          else if (thread < workers) world.shard(thread).serve(1 + (what >>> 10));
        };
        for (const what of schedule) step(what);
        for (let turn = 0; clients.some((client) => !client.isDone()); turn++) {
          expect(turn).toBeLessThan(2000);
          for (const reader of world.readers) reader.busyLooks = 0;
          for (const client of clients) client.go(1000);
          for (const router of world.routers) router.publish();
          for (const shard of world.shards) {
            shard.serve(1000);
            shard.publish();
          }
          for (let thread = 0; thread <= workers; thread++) hear(thread);
        }
        for (const { expected } of tokens.values()) expect(expected).toBe(null);
      },
    ),
    { numRuns: 300 },
  );
});

/**
 * Bytes that are no requests: random ones, mutated conversations, declared lengths without the data. Whatever comes, the
 * server serves others afterwards, has closed what was broken off, and holds a bounded amount of memory.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import type { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";
import { binaryBytes, binaryCommand } from "./binary-commands.ts";
import { Random } from "./random.ts";
import { textCommand } from "./text-commands.ts";

const ROUNDS = 100;
const CONNECTIONS = 25;
const GROWTH_BYTES_MAX = 96 * 1024 * 1024;
const SILENCE_MILLISECONDS = 100;
const FRAGMENTS = [1, 2, 3, 7, 64, 1460, 65_536] as const;

const cells = fleet();

/** Makes the bytes of one connection. */
const KINDS: readonly (readonly [what: string, make: (random: Random) => Buffer])[] = [
  ["random bytes", (random) => latin1(random.bytes(1 + random.below(3000)))],
  [
    "random bytes after a binary magic",
    (random) => latin1(`\x80${random.bytes(1 + random.below(300))}`),
  ],
  ["random lines", (random) => latin1(Array.from({ length: 50 }, () => line(random)).join(""))],
  ["mutated text conversations", (random) => mutate(random, textConversation(random))],
  ["mutated binary conversations", (random) => mutate(random, binaryConversation(random))],
  [
    "text on a binary connection, and the other way round",
    (random) => {
      const parts = [textConversation(random), binaryConversation(random)];
      return Buffer.concat(random.once(2) ? parts : parts.reverse());
    },
  ],
];

for (const [what, make] of KINDS) {
  describe(`${what} do no harm`, () => {
    for (const [index, cell] of cells.entries()) {
      test(cell.label, async () => {
        const { server } = cell;
        const before = server.residentBytes();
        for (let round = 0; round < ROUNDS; round += CONNECTIONS) {
          const seeds = Array.from(
            { length: CONNECTIONS },
            (_, each) => 10_000 * index + round + each,
          );
          await Promise.all(seeds.map((seed) => throwAt(server, make, seed)));
        }
        await serves(server, `${what}, seeds from ${10_000 * index}`);
        expect(server.residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
      });
    }
  });
}

/** Sends one connection's bytes, cut by the seed; then leaves in one of three ways. */
async function throwAt(
  server: TestServer,
  make: (random: Random) => Buffer,
  seed: number,
): Promise<void> {
  const random = new Random(seed);
  const bytes = make(random);
  const fragments = FRAGMENTS.filter((size) => bytes.length / size < 500);
  const client = await WireClient.connect(server, random.pick(fragments));
  await client.send(bytes);
  const leave = random.below(3);
  if (leave === 0) client.reset();
  if (leave === 1) client.end();
  if (leave > 0) await client.collect(() => false, SILENCE_MILLISECONDS);
  client.destroy();
}

/** The server answers, and has let the broken connections go. */
async function serves(server: TestServer, what: string): Promise<void> {
  const client = await WireClient.connect(server);
  await client.ask("set alive 0 0 1\r\n1\r\n", "STORED\r\n");
  await client.ask("get alive\r\n", "VALUE alive 0 1\r\n1\r\nEND\r\n");
  for (let attempt = 0; attempt < 100; attempt++) {
    await client.send("stats\r\n");
    const stats = await client.readThrough("END\r\n");
    if (Number(/curr_connections (\d+)/.exec(stats)?.[1]) < 10) {
      client.destroy();
      return;
    }
    await sleep(50);
  }
  expect.fail(`connections are left open after ${what}`);
}

function textConversation(random: Random): Buffer {
  const commands = Array.from({ length: 20 }, () => textCommand(random, 5));
  return latin1(commands.join("").replace(/\{cas:\w+\}/g, "1"));
}

function binaryConversation(random: Random): Buffer {
  return Buffer.concat(
    Array.from({ length: 20 }, () => binaryBytes(binaryCommand(random, 5), new Map())),
  );
}

/** Changes, drops, doubles and swaps some bytes. */
function mutate(random: Random, bytes: Buffer): Buffer {
  let mutated = Buffer.from(bytes);
  for (let change = random.below(12); change >= 0; change--) {
    const at = random.below(mutated.length);
    const count = random.below(8);
    const [head, tail] = [mutated.subarray(0, at), mutated.subarray(at)];
    switch (random.below(4)) {
      case 0:
        mutated = Buffer.concat([head, latin1(random.bytes(count)), tail]);
        break;
      case 1:
        mutated = Buffer.concat([head, tail.subarray(count)]);
        break;
      case 2:
        mutated = Buffer.concat([head, tail.subarray(0, count), tail]);
        break;
      default:
        mutated[at] = random.below(256);
    }
    if (mutated.length === 0) return latin1("\r\n");
  }
  return mutated;
}

/** A line of words from the protocol in any order. */
function line(random: Random): string {
  const words = Array.from({ length: random.below(8) }, () => random.pick(WORDS));
  return `${words.join(" ")}${random.pick(["\r\n", "\n", "\r\n", " \r\n", "\n\r"])}`;
}

const WORDS =
  `get gets gat set add cas append delete incr touch flush_all stats version quit mg ms md ma
  mn me noreply key 0 1 -1 10 4294967296 18446744073709551616 99999999999999999999999 k v q T0 N30 b
  S I MA items slabs settings conns detail on dump reset cachedump lru_crawler metadump all lru tune
  slabs automove cache_memlimit verbosity =+/ %s%n ${"k".repeat(250)} ${"k".repeat(251)}`
    .trim()
    .split(/\s+/);

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

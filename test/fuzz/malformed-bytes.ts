/**
 * Bytes that are no requests, and how they are thrown at a server: random ones, mutated
 * conversations, declared lengths without the data. For the bounded test and for `npm run fuzz`.
 *
 *   seed ─▶ bytes of one connection ─▶ sent in fragments ─▶ left by a reset, a half-close or without a word
 *                                                                 └─▶ the server serves others, and holds nothing open
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";
import { binaryBytes, binaryCommand } from "./binary-commands.ts";
import type { Random } from "./random.ts";
import { textCommand } from "./text-commands.ts";

const SILENCE_MILLISECONDS = 100;
const FRAGMENTS = [1, 2, 3, 7, 64, 1460, 65_536] as const;

type Make = (random: Random) => Buffer;

/** Each makes the bytes of one connection. */
export const MALFORMED_KINDS: readonly (readonly [what: string, make: Make])[] = [
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

/** Sends one connection's bytes, cut by the seed; then leaves in one of three ways. */
export async function throwAt(server: TestServer, make: Make, random: Random): Promise<void> {
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

/** Connections that are open, the asking one included. */
export async function openConnections(server: TestServer): Promise<number> {
  const client = await WireClient.connect(server);
  const count = await connectionsSeenBy(client);
  client.destroy();
  return count;
}

async function connectionsSeenBy(client: WireClient): Promise<number> {
  await client.send("stats\r\n");
  const stats = await client.readThrough("END\r\n");
  return Number(/curr_connections (\d+)/.exec(stats)?.[1]);
}

/**
 * Waits until the server answers, and has let all but `openAtFirst` connections go: none of their
 * bytes are still to be read then. False when it does not.
 */
export async function stillServes(server: TestServer, openAtFirst: number): Promise<boolean> {
  const client = await WireClient.connect(server);
  let hasLetGo = false;
  for (let attempt = 0; attempt < 100 && !hasLetGo; attempt++) {
    hasLetGo = (await connectionsSeenBy(client)) <= openAtFirst;
    if (!hasLetGo) await sleep(50);
  }
  // Not before: one of those connections may flush.
  await client.ask("set alive 0 0 1\r\n1\r\n", "STORED\r\n");
  await client.ask("get alive\r\n", "VALUE alive 0 1\r\n1\r\nEND\r\n");
  client.destroy();
  return hasLetGo;
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

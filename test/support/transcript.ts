/**
 * Transcripts: what goes over a connection and what comes back, to the byte, played on every server
 * of the matrix.
 *
 *   transcript("add refuses a key that is present", [
 *     ["set apple 5 0 3\r\nred\r\n", "STORED\r\n"],
 *     ["add apple 0 0 5\r\ngreen\r\n", "NOT_STORED\r\n"],
 *   ]);
 *        │ for each server: a test; in it, for each fragment size:
 *        ▼
 *   flush_all on a connection of its own → connect → the steps → `version` (nothing may be left over) → close
 *
 * A step may say what memcached 1.6.18, the oracle at hand, answers instead where its later
 * version, which we follow, differs; the reason is part of the step.
 *
 * Invariant: a reply is complete before the next step is sent, unless the step expects "" (noreply,
 * a partial request).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "vitest";
import { packet, response } from "./binary-packets.ts";
import { type Cell, type FleetOptions, fleet } from "./server-matrix.ts";
import { type Captures, type Expected, type Message, render, show } from "./template.ts";
import type { TestServer } from "./test-server.ts";
import { FRAGMENT_BYTES_WHOLE, WireClient } from "./wire-client.ts";

const FRAGMENT_SIZES = [1, 2, 3, 7, 64, 1460, FRAGMENT_BYTES_WHOLE] as const;
/**
 * A message is not cut in more pieces than this: the smaller fragment sizes are left out for large
 * ones.
 */
const FRAGMENTS_MAX = 3000;
const TEST_MILLISECONDS_MAX = 60_000;
const BINARY_MAGIC = 0x80;
/** How often one play of a transcript may be reset: the server has to answer once. */
const CRAWLER_BUSY = "BUSY currently processing crawler request";
const BUSY_MAX = 200;
const BUSY_MILLISECONDS = 25;
const RESETS_MAX = 20;

/**
 * A step failed, and its connection had been reset: at a step that ends with the server's closing,
 * or before.
 */
class Broken extends Error {
  readonly isClosing: boolean;

  constructor(message: string, isClosing: boolean) {
    super(message);
    this.isClosing = isClosing;
  }
}

/** What the oracle, memcached 1.6.18, answers where 1.6.45 differs. */
export interface Oracle18 {
  readonly oracle18: Expected | Closes;
  readonly why: string;
}

/** A reply after which the server closes the connection. */
class Closes {
  readonly reply: Expected;

  constructor(reply: Expected) {
    this.reply = reply;
  }
}

/** Expects `reply`, then the end of the connection. */
export function closes(reply: Expected = ""): Closes {
  return new Closes(reply);
}

/** The oracle's own answer for a step, and why it is another. */
export function oracle18(reply: Expected | Closes, why: string): Oracle18 {
  return { oracle18: reply, why };
}

export type Step =
  | readonly [send: Message, reply: Expected | Closes]
  | readonly [send: Message, reply: Expected | Closes, oracle: Oracle18];

export interface TranscriptOptions {
  /** Why the oracle cannot play this transcript at all. */
  readonly notOnOracle?: string;
  /** Fragment sizes, where not all make sense; the reason belongs in a comment. */
  readonly fragments?: readonly number[];
}

export interface TranscriptFleetOptions extends FleetOptions {
  /** Steps that open every connection (a login), before the transcript's own. */
  readonly before?: readonly Step[];
  /** Whether the cache is emptied before each play: by flush_all on another connection. */
  readonly flush?: boolean;
  /** Whether each play ends with a `version` (No-op on a binary connection). */
  readonly sentinel?: boolean;
}

export type Transcript = (
  name: string,
  steps: readonly Step[],
  options?: TranscriptOptions,
) => void;

/**
 * Starts a fleet with these options for the file, and returns the function that plays transcripts
 * on it.
 */
export function transcriptsOn(options: TranscriptFleetOptions = {}): Transcript {
  const cells = fleet(options);
  return (name, steps, own = {}) => {
    const isOracleAble = own.notOnOracle === undefined;
    const able = cells.filter((cell) => isOracleAble || cell.spec.implementation !== "memcached");
    if (able.length === 0) return;
    describe(name, () => {
      for (const cell of able) {
        test(
          cell.label,
          async () => {
            for (const fragmentBytes of own.fragments ?? fragmentsFor(steps)) {
              await playUnbroken(cell, fragmentBytes, steps, options);
            }
          },
          TEST_MILLISECONDS_MAX,
        );
      }
    });
  };
}

/**
 * Who closes while bytes are unread, or before they come, resets the connection, and what was not
 * read here of its last reply is lost: any server's TCP does so behind a quit, and memcached
 * elsewhere too. Then the transcript is played anew. So it is when memcached's crawler, a thread of
 * its own, is still at what the transcript before has asked of it.
 */
async function playUnbroken(
  cell: Cell,
  fragmentBytes: number,
  steps: readonly Step[],
  options: TranscriptFleetOptions,
): Promise<void> {
  let broken = 0;
  let busy = 0;
  while (true) {
    try {
      await play(cell, fragmentBytes, steps, options);
      return;
    } catch (error) {
      if (cell.server.isOracle && (error as Error).message.includes(CRAWLER_BUSY)) {
        if (busy++ === BUSY_MAX) throw error;
        await sleep(BUSY_MILLISECONDS);
        continue;
      }
      const isReset = error instanceof Broken && (error.isClosing || cell.server.isOracle);
      if (!isReset || broken++ === RESETS_MAX) throw error;
    }
  }
}

async function play(
  cell: Cell,
  fragmentBytes: number,
  steps: readonly Step[],
  options: TranscriptFleetOptions,
): Promise<void> {
  const { server } = cell;
  if (options.flush !== false) await flush(server, options.before ?? []);
  const captures: Captures = new Map([["version", server.version]]);
  const client = await WireClient.connect(server, fragmentBytes);
  try {
    await playSteps(client, server, options.before ?? [], captures, `before, `);
    const open = await playSteps(client, server, steps, captures, `cut at ${fragmentBytes}, `);
    if (open && options.sentinel !== false) {
      const [message, reply] = isBinary(steps[0]?.[0] ?? "") ? NOOP : VERSION;
      await client.send(render(message, captures));
      await client.expect(reply, captures);
    }
  } finally {
    client.destroy();
  }
}

const VERSION = ["version\r\n", "VERSION {version}\r\n"] as const;
const NOOP = [
  packet({ opcode: 0x0a, opaque: 0x5e471e1 }),
  response({ opcode: 0x0a, opaque: 0x5e471e1 }),
] as const;

/** Plays steps; false when the last one closed the connection. */
async function playSteps(
  client: WireClient,
  server: TestServer,
  steps: readonly Step[],
  captures: Captures,
  where: string,
): Promise<boolean> {
  for (const [index, step] of steps.entries()) {
    const wanted = server.isOracle && step[2] !== undefined ? step[2].oracle18 : step[1];
    const bytes = render(step[0], captures);
    try {
      await client.send(bytes);
      if (wanted instanceof Closes) {
        if (wanted.reply !== "") await client.expect(wanted.reply, captures);
        await client.expectClose();
        return false;
      }
      if (wanted !== "") await client.expect(wanted, captures);
    } catch (error) {
      const text = (error as Error).message;
      const message = `${where}step ${index + 1}\n    sent ${show(bytes)}\n${text}`;
      if (client.error === undefined) throw new Error(message);
      throw new Broken(message, wanted instanceof Closes);
    }
  }
  return true;
}

/** Empties the cache, through a connection of its own. */
async function flush(server: TestServer, before: readonly Step[]): Promise<void> {
  const client = await WireClient.connect(server);
  try {
    const isBinaryServer = server.spec.args?.includes("binary") === true;
    await playSteps(client, server, before, new Map(), "before the flush, ");
    if (isBinaryServer) await client.ask(packet({ opcode: 0x08 }), response({ opcode: 0x08 }));
    else await client.ask("flush_all\r\n", "OK\r\n");
  } finally {
    client.destroy();
  }
}

function isBinary(message: Message): boolean {
  const bytes = typeof message === "function" ? message(new Map([["cas", "1"]])) : message;
  return typeof bytes !== "string" && bytes[0] === BINARY_MAGIC;
}

function fragmentsFor(steps: readonly Step[]): readonly number[] {
  let bytes = 0;
  for (const [send] of steps) if (typeof send !== "function") bytes += send.length;
  return FRAGMENT_SIZES.filter((size) => bytes / size <= FRAGMENTS_MAX);
}

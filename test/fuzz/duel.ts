/**
 * Plays the same commands on two servers, and finds the first answer that differs without a reason.
 *
 *   session: flush both ── connect both ── chunk ── chunk ── …
 *                                            │
 *   command 1 · mn · command 2 · mn · …      sent in one piece to the oracle, cut at random to ours
 *   reply 1  MN  reply 2  MN  …              split at the MNs, normalised, compared one by one
 *
 * A binary session whose first byte is no magic is a text session to both servers, and ends with
 * its first reply: behind it come lines of more than 2048 bytes, which memcached answers when they
 * arrive whole and closes for when they dribble in, as ours do (protocol reference, 1.1).
 *
 * A difference that is meant (differences.ts) ends its session, since the two caches may no longer
 * hold the same. A finding is shrunk: commands are left out while it stays a finding.
 */
import { packet } from "../support/binary-packets.ts";
import { show } from "../support/template.ts";
import type { TestServer } from "../support/test-server.ts";
import { FRAGMENT_BYTES_WHOLE, WireClient } from "../support/wire-client.ts";
import { type BinaryCommand, binaryBytes, normalisePackets } from "./binary-commands.ts";
import { type Difference, explain, explainPacket, normalise } from "./differences.ts";
import type { Random } from "./random.ts";

/**
 * One at a time: memcached replaces an item that it would count in place while an earlier reply of
 * the same pipeline still holds it, so what is stored would depend on timing. Pipelines have
 * transcripts of their own.
 */
const CHUNK_COMMANDS_MAX = 1;
/** How long to wait for a server that says nothing more. */
const SILENCE_MILLISECONDS = 3000;
const SENTINEL = "MN\r\n";
/**
 * Marks on the last reply of a connection that the server closed, with or without unread bytes of
 * ours.
 */
const CLOSED = "<closed>";
const RESET = "<reset>";
const SENTINEL_OPAQUE = 0x5e471e1;

/** An unexplained difference: the commands that lead to it, the last one answered differently. */
export interface Finding<T> {
  readonly commands: readonly T[];
  readonly ours: string;
  readonly theirs: string;
}

export interface Played<T> {
  readonly finding: Finding<T> | undefined;
  readonly explained: Difference | undefined;
  readonly commandCount: number;
}

/** What a kind of commands needs to be played and compared. */
interface Kind<T> {
  /** A chunk's bytes for one server. */
  bytes(commands: readonly T[], casOf: ReadonlyMap<string, string>): Buffer;
  /** Roughly a command's bytes. */
  length(command: T): number;
  /** Keys whose CAS the chunk needs. */
  casKeys(commands: readonly T[]): readonly string[];
  isDone(replies: Buffer, commandCount: number): boolean;
  /** The replies, one for each command, ready to be compared. */
  split(replies: Buffer): readonly string[];
  explain(command: T, ours: string, theirs: string): Difference | undefined;
}

const TEXT: Kind<string> = {
  bytes: (commands, casOf) =>
    Buffer.concat(
      commands.map((command) => {
        const text = command.replace(
          /\{cas:(\w+)\}/g,
          (_all, key: string) => casOf.get(key) ?? "1",
        );
        return Buffer.from(`${text}mn\r\n`, "latin1");
      }),
    ),
  length: (command) => command.length,
  casKeys: (commands) =>
    commands.flatMap((command) =>
      [...command.matchAll(/\{cas:(\w+)\}/g)].map((match) => match[1] as string),
    ),
  isDone: (replies, count) => replies.toString("latin1").split(SENTINEL).length > count,
  split: (replies) => replies.toString("latin1").split(SENTINEL).map(normalise),
  explain,
};

const BINARY: Kind<BinaryCommand> = {
  bytes: (commands, casOf) =>
    Buffer.concat([
      ...commands.flatMap((command, index) => [
        binaryBytes(command, casOf),
        packet({ opcode: 0x0a, opaque: SENTINEL_OPAQUE + index }),
      ]),
    ]),
  length: (command) => command.fields.value?.length ?? 0,
  casKeys: (commands) => commands.flatMap((command) => command.casKey ?? []),
  isDone: (replies, count) => splitPackets(replies).length > count,
  split: (replies) => splitPackets(replies),
  explain: (command) => explainPacket(binaryBytes(command, new Map())),
};

function splitPackets(replies: Buffer): readonly string[] {
  return normalisePackets(replies, SENTINEL_OPAQUE, SENTINEL_OPAQUE + CHUNK_COMMANDS_MAX);
}

export class Duel {
  readonly #ours: TestServer;
  readonly #theirs: TestServer;

  constructor(ours: TestServer, theirs: TestServer) {
    this.#ours = ours;
    this.#theirs = theirs;
  }

  playText(commands: readonly string[], random: Random): Promise<Played<string>> {
    return this.#play(TEXT, commands, random);
  }

  playBinary(commands: readonly BinaryCommand[], random: Random): Promise<Played<BinaryCommand>> {
    return this.#play(BINARY, commands, random);
  }

  /** The shortest list of commands this finds that still is a finding. */
  async shrinkText(finding: Finding<string>, random: Random): Promise<Finding<string>> {
    return this.#shrink(finding, (commands) => this.playText(commands, random));
  }

  async shrinkBinary(
    finding: Finding<BinaryCommand>,
    random: Random,
  ): Promise<Finding<BinaryCommand>> {
    return this.#shrink(finding, (commands) => this.playBinary(commands, random));
  }

  async #shrink<T>(
    finding: Finding<T>,
    play: (commands: readonly T[]) => Promise<Played<T>>,
  ): Promise<Finding<T>> {
    let smallest = finding;
    for (let size = Math.ceil(finding.commands.length / 2); size >= 1; size = size >> 1) {
      for (let at = 0; at < smallest.commands.length; ) {
        const { commands } = smallest;
        const fewer = [...commands.slice(0, at), ...commands.slice(at + size)];
        const again = fewer.length === 0 ? undefined : (await play(fewer)).finding;
        if (again === undefined) at += size;
        else smallest = again;
      }
    }
    return smallest;
  }

  async #play<T>(kind: Kind<T>, commands: readonly T[], random: Random): Promise<Played<T>> {
    await Promise.all([flush(this.#ours), flush(this.#theirs)]);
    const fragment = random.pick([1, 2, 3, 7, 64, 1460, FRAGMENT_BYTES_WHOLE]);
    const longest = Math.max(...commands.map(kind.length));
    const ours = await WireClient.connect(this.#ours, longest > 20_000 ? 1460 : fragment);
    const theirs = await WireClient.connect(this.#theirs);
    try {
      for (let at = 0; at < commands.length; ) {
        const count = Math.min(1 + random.below(CHUNK_COMMANDS_MAX), commands.length - at);
        const chunk = commands.slice(at, at + count);
        const [got, wanted] = await Promise.all([
          exchange(kind, this.#ours, ours, chunk),
          exchange(kind, this.#theirs, theirs, chunk),
        ]);
        const index = firstDifference(got, wanted);
        if (index >= 0) {
          const [mine, oracles] = [got[index] ?? "", wanted[index] ?? ""];
          const command = chunk[Math.min(index, chunk.length - 1)] as T;
          const explained = kind.explain(command, mine, oracles);
          const played = commands.slice(0, at + Math.min(index + 1, count));
          const finding = { commands: played, ours: mine, theirs: oracles };
          return {
            finding: explained === undefined ? finding : undefined,
            explained,
            commandCount: played.length,
          };
        }
        at += count;
        if (ours.hasEnded || theirs.hasEnded || got.length <= count) break;
      }
      return { finding: undefined, explained: undefined, commandCount: commands.length };
    } finally {
      ours.destroy();
      theirs.destroy();
    }
  }
}

/** Shows a finding: the commands, and both answers. */
export function describeFinding(finding: Finding<string | BinaryCommand>): string {
  const commands = finding.commands.map((command) =>
    typeof command === "string"
      ? show(Buffer.from(command, "latin1"))
      : `${command.casKey ?? ""} ${show(binaryBytes(command, new Map()))}`,
  );
  const ours = show(Buffer.from(finding.ours, "latin1"));
  const theirs = show(Buffer.from(finding.theirs, "latin1"));
  return `${commands.join("\n")}\n  shardcached ${ours}\n    memcached ${theirs}`;
}

async function exchange<T>(
  kind: Kind<T>,
  server: TestServer,
  client: WireClient,
  chunk: readonly T[],
): Promise<readonly string[]> {
  const casOf = await casNumbers(server, kind.casKeys(chunk));
  await client.send(kind.bytes(chunk, casOf));
  const replies = await client.collect(
    (bytes) => kind.isDone(bytes, chunk.length),
    SILENCE_MILLISECONDS,
  );
  const pieces = [...kind.split(replies)];
  if (client.hasEnded) pieces[pieces.length - 1] += client.error ? RESET : CLOSED;
  return pieces;
}

/** The CAS of some items, asked without touching them. */
async function casNumbers(
  server: TestServer,
  keys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (keys.length === 0) return found;
  const client = await WireClient.connect(server);
  for (const key of new Set(keys)) {
    await client.send(`me ${key}\r\n`);
    const line = await client.readUntil((got) => got.indexOf("\n") + 1);
    const cas = / cas=(\d+) /.exec(line.toString("latin1"))?.[1];
    if (cas !== undefined) found.set(key, cas);
  }
  client.destroy();
  return found;
}

async function flush(server: TestServer): Promise<void> {
  const client = await WireClient.connect(server);
  await client.ask("flush_all\r\n", "OK\r\n");
  client.destroy();
}

function firstDifference(ours: readonly string[], theirs: readonly string[]): number {
  const count = Math.max(ours.length, theirs.length);
  for (let index = 0; index < count; index++) {
    if (!isSame(ours[index], theirs[index])) return index;
  }
  return -1;
}

/** Equal; or both closed, where a reset may have cost the last bytes of one. */
function isSame(ours: string | undefined, theirs: string | undefined): boolean {
  if (ours === theirs) return true;
  // We close at the first byte that is no packet's; memcached waits for a whole header. Closings
  // have their transcripts.
  if (withoutEnd(ours) === withoutEnd(theirs)) return true;
  if (!ours?.endsWith(">") || !theirs?.endsWith(">")) return false;
  if (!ours.endsWith(RESET) && !theirs.endsWith(RESET)) return false;
  const [mine, oracles] = [ours, theirs].map(withoutEnd);
  return mine?.startsWith(oracles ?? "") === true || oracles?.startsWith(mine ?? "") === true;
}

function withoutEnd(text: string | undefined): string | undefined {
  return text?.replace(/<(closed|reset)>$/, "");
}

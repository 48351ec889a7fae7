/**
 * `npm run fuzz -- --minutes 10 --seed 1`: the tests of test/fuzz without end.
 *
 *   differential   random commands, valid and wrong, classic, meta and binary, to shardcached and to a real memcached: an
 *                  answer that differs without a reason is a finding, shrunk and printed
 *   malformed      bytes that are no requests, on many connections at once: a server that does not serve afterwards, that
 *                  keeps connections open, that dies or that grows is a finding
 *
 * A finding is printed with its seed and ends the run with exit code 1. Every session has a seed of
 * its own, so any one can be played again: `--seed N --sessions 1`.
 *
 *   --minutes N      how long (default 10)
 *   --sessions N     how many sessions at most (default: no end)
 *   --findings N     how many findings end the run (default 1)
 *   --seed N         the first session's seed (default: by the clock, printed)
 *   --threads N      of shardcached (default 2)
 *   --transport T    native, epoll, uring or node (default native)
 *   --kind K         differential, malformed, or both by turns (default)
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type BinaryCommand, binaryCommand } from "../../test/fuzz/binary-commands.ts";
import { Duel, describeFinding, type Played } from "../../test/fuzz/duel.ts";
import {
  MALFORMED_KINDS,
  openConnections,
  stillServes,
  throwAt,
} from "../../test/fuzz/malformed-bytes.ts";
import { Random } from "../../test/fuzz/random.ts";
import { textCommand } from "../../test/fuzz/text-commands.ts";
import { TestServer } from "../../test/support/test-server.ts";

const COMMANDS_PER_SESSION_MAX = 120;
const REPORT_MILLISECONDS = 10_000;
/** How often a command is wrong, by session: never, now and then, often. */
const WRONG_ONCE_IN = [Number.MAX_SAFE_INTEGER, 12, 4] as const;

/** One session of so many is malformed, where both are played. */
const MALFORMED_ONCE_IN = 4;
const MALFORMED_CONNECTIONS = 25;
/** How much shardcached may grow over all the bytes thrown at it. */
const GROWTH_BYTES_MAX = 192 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    sessions: { type: "string", default: "0" },
    findings: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    threads: { type: "string", default: "2" },
    transport: { type: "string", default: "native" },
    kind: { type: "string", default: "both" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  const header = readFileSync(fileURLToPath(import.meta.url), "utf8").split("*/")[0] as string;
  console.log(header.replace(/^\/?\*+ ?|^ \* ?/gm, "").trim());
  process.exit(0);
}

const transport = values.transport === "node" ? "node" : "native";
const threads = Number(values.threads);
const ownArgs = ["--transport", values.transport]; // the last of two wins: epoll and uring are native
const ours = await TestServer.start({ implementation: "shardcached", threads, transport, ownArgs });
const oracle = await TestServer.start({ implementation: "memcached", threads: 2, transport });
const duel = new Duel(ours, oracle);
const explained = new Map<string, number>();
let commandCount = 0;
let connectionCount = 0;

const firstSeed = Number(values.seed);
const sessionsMax = Number(values.sessions) || Number.POSITIVE_INFINITY;
const deadline = Date.now() + Number(values.minutes) * 60_000;
let reportAt = Date.now() + REPORT_MILLISECONDS;
let sessionCount = 0;
let findingCount = 0;

const residentAtFirst = ours.residentBytes();
const openAtFirst = await openConnections(ours);
console.log(
  `${ours.label} (${values.transport}) against memcached ${oracle.version}, first seed ${firstSeed}`,
);
while (sessionCount < sessionsMax && Date.now() < deadline) {
  const seed = firstSeed + sessionCount++;
  const text = await play(seed);
  if (text !== undefined) {
    console.log(`seed ${seed}: an unexplained difference\n${text}`);
    process.exitCode = 1;
    if (++findingCount >= Number(values.findings)) break;
  }
  if (Date.now() >= reportAt) {
    report();
    reportAt += REPORT_MILLISECONDS;
  }
}
report();
for (const [name, count] of [...explained].sort((a, b) => b[1] - a[1])) {
  console.log(`${String(count).padStart(8)} sessions ended by a meant difference: ${name}`);
}
await ours.stop();
await oracle.stop();

/** Plays one session; the text of a finding, or undefined. */
async function play(seed: number): Promise<string | undefined> {
  const random = new Random(seed);
  const isMalformed = values.kind === "malformed" || (values.kind === "both" && isTurn(seed));
  if (isMalformed) return throwMalformed(random);
  const wrongOnceIn = random.pick(WRONG_ONCE_IN);
  const count = 1 + random.below(COMMANDS_PER_SESSION_MAX);
  if (random.once(4)) {
    const commands: BinaryCommand[] = Array.from({ length: count }, () =>
      binaryCommand(random, wrongOnceIn),
    );
    const played = await duel.playBinary(commands, random);
    note(played);
    if (played.finding === undefined) return undefined;
    return describeFinding(await duel.shrinkBinary(played.finding, random));
  }
  const commands = Array.from({ length: count }, () => textCommand(random, wrongOnceIn));
  const played = await duel.playText(commands, random);
  note(played);
  if (played.finding === undefined) return undefined;
  return describeFinding(await duel.shrinkText(played.finding, random));
}

function isTurn(seed: number): boolean {
  return seed % MALFORMED_ONCE_IN === 0;
}

/**
 * Throws one kind of malformed bytes from many connections; the text of a finding, or undefined.
 */
async function throwMalformed(random: Random): Promise<string | undefined> {
  const [what, make] = random.pick(MALFORMED_KINDS);
  const seeds = Array.from({ length: MALFORMED_CONNECTIONS }, () => random.below(2 ** 31));
  await Promise.all(seeds.map((seed) => throwAt(ours, make, new Random(seed))));
  connectionCount += seeds.length;
  if (ours.hasExited) return `${what}: shardcached has died: ${ours.stderr}`;
  if (!(await stillServes(ours, openAtFirst))) return `${what}: connections are left open`;
  if (ours.residentBytes() - residentAtFirst > GROWTH_BYTES_MAX) return `${what}: it grows`;
  return undefined;
}

function note(played: Played<unknown>): void {
  commandCount += played.commandCount;
  if (played.explained === undefined) return;
  const { name } = played.explained;
  explained.set(name, (explained.get(name) ?? 0) + 1);
}

function report(): void {
  const resident = (server: TestServer) => `${Math.round(server.residentBytes() / 1048576)} MiB`;
  console.log(
    `${sessionCount} sessions, ${commandCount} commands, ${connectionCount} malformed connections; resident ${resident(ours)}, oracle ${resident(oracle)}`,
  );
}

/**
 * The differences that are meant, between shardcached (which follows memcached 1.6.45) and the
 * oracle at hand, 1.6.18.
 *
 * Each row says when it applies, judged from the command and both replies, and why. A reply that
 * differs and that no row explains is a bug. Sections are of the protocol reference; each row has
 * its transcript in test/wire, with the exact replies of both.
 *
 * Invariant: a row looks at the command as well as at the replies, so that it cannot hide a
 * difference elsewhere.
 */

const PACKET_HEADER_BYTES = 24;
const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const STORES = new Set(["set", "add", "replace", "append", "prepend", "cas", "ms"]);
const KNOWN = new Set(
  `get gets gat gats set add replace append prepend cas delete incr decr touch flush_all version
   verbosity quit mg ms md ma me mn`.split(/\s+/),
);
/** Tokens a command may have in 1.6.18, name and noreply included. */
const TOKENS_MAX: Readonly<Record<string, number>> = {
  set: 6,
  add: 6,
  replace: 6,
  append: 6,
  prepend: 6,
  cas: 7,
  delete: 3,
  incr: 4,
  decr: 4,
  touch: 4,
  flush_all: 3,
  verbosity: 3,
  version: 1,
};

/** One command and what both servers answered. */
export interface Case {
  /** The line without its end; leading spaces kept. */
  readonly line: string;
  readonly words: readonly string[];
  readonly name: string;
  /** What was sent after the line: a data block, or nothing. */
  readonly rest: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface Difference {
  readonly name: string;
  readonly section: string;
  readonly why: string;
  readonly explains: (seen: Case) => boolean;
}

export const TEXT_DIFFERENCES: readonly Difference[] = [
  {
    name: "short line",
    section: "1.1",
    why: "lines of fewer than 4 bytes are a bad format, not ERROR; a bare mn is one of them",
    explains: ({ line, ours }) => line.length < 4 && ours.startsWith(BAD_FORMAT),
  },
  {
    name: "leading space",
    section: "1.1",
    why: "a command name begins its line",
    explains: ({ line, ours }) => line.startsWith(" ") && firstLine(ours) === "ERROR\r\n",
  },
  {
    name: "leading space, noreply",
    section: "1.1, 2.1",
    why: "an unknown command with noreply is silent",
    explains: ({ line, words }) => line.startsWith(" ") && words.at(-1) === "noreply",
  },
  {
    name: "too few tokens",
    section: "1.1, 2",
    why: "too few tokens are a bad format, not ERROR",
    explains: ({ name, ours, theirs }) =>
      KNOWN.has(name) && ours.startsWith(BAD_FORMAT) && theirs.startsWith("ERROR\r\n"),
  },
  {
    name: "gat without a key",
    section: "2.2",
    why: "a bad format, not an empty answer",
    explains: ({ name, words, ours }) =>
      (name === "gat" || name === "gats") && words.length === 2 && ours === BAD_FORMAT,
  },
  {
    name: "surplus tokens",
    section: "2.1",
    why: "surplus tokens are ignored",
    explains: ({ name, words, theirs }) =>
      words.length > (TOKENS_MAX[name] ?? Number.POSITIVE_INFINITY) &&
      theirs.startsWith("ERROR\r\n"),
  },
  {
    name: "delete with an argument",
    section: "2.4",
    why: "one argument after the key is ignored, whatever it is",
    explains: ({ name, words, theirs }) =>
      name === "delete" && words.length >= 3 && theirs.includes("Usage: delete <key> [noreply]"),
  },
  {
    name: "delete noreply",
    section: "2.1",
    why: "the word is key and noreply at once",
    explains: ({ line, ours }) => line.trimEnd() === "delete noreply" && ours === "",
  },
  {
    name: "noreply of an unknown or wrong command",
    section: "2.1",
    why: "noreply suppresses errors, of unknown commands too",
    explains: ({ words, ours }) => words.at(-1) === "noreply" && ours === "",
  },
  {
    name: "noreply as the 23rd token",
    section: "1.1, 2.1",
    why: "only the last token looked at can be noreply",
    explains: ({ words }) => words.length > 7 && words.includes("noreply") && words[0] !== "get",
  },
  {
    name: "wrong storage line",
    section: "1.4",
    why: "its data block is consumed, where 1.6.18 reads it as commands",
    explains: ({ name, ours, theirs }) =>
      STORES.has(name) && isError(firstLine(ours)) && theirs !== ours && isError(firstLine(theirs)),
  },
  {
    name: "wrong storage line, its block not there yet",
    section: "1.4",
    why: "its data block is consumed, and awaited where the count is more than what was sent",
    explains: ({ name, words, rest, ours, theirs }) =>
      STORES.has(name) &&
      ours === "" &&
      isError(firstLine(theirs)) &&
      !(Number(words[name === "ms" ? 2 : 4]) <= rest.length - 2), // a CAS may stand in the count's place
  },
  {
    name: "data of an unknown command",
    section: "1.1",
    why: "it is read as a line, and a short line is a bad format",
    explains: ({ name, words, rest, ours, theirs }) =>
      !KNOWN.has(name) &&
      rest !== "" &&
      (ours.startsWith("ERROR") || words.at(-1) === "noreply") &&
      theirs.startsWith("ERROR"),
  },
  {
    name: "blanks in numbers",
    section: "1.3",
    why: "a tab in a number is refused where 1.6.18 stops reading the number there",
    explains: ({ line, ours, theirs }) =>
      line.includes("\t") && isError(firstLine(ours)) && theirs !== ours,
  },
  {
    name: "lenient numbers",
    section: "1.3",
    why: "a plus sign, surplus zeros and numbers beyond 32 bits are refused where 1.6.18 takes them",
    explains: ({ words, ours }) =>
      words.some((word) => /^[A-Z]?(\+\d|\d{10,})/.test(word)) && isError(firstLine(ours)),
  },
  {
    name: "meta errors",
    section: "3.1",
    why: "the scanner has a message for each error, and an illegal flag byte is a bad format",
    explains: ({ name, ours, theirs }) =>
      /^m[gsda]$/.test(name) && isError(firstLine(ours)) && isError(firstLine(theirs)),
  },
  {
    name: "meta mode",
    section: "3.1",
    why: "the first byte of M's token counts; 1.6.18 refuses longer tokens",
    explains: ({ name, words, theirs }) =>
      /^m[gsda]$/.test(name) &&
      words.some((word) => word.startsWith("M")) &&
      /incorrect length for M token|invalid or duplicate flag/.test(theirs),
  },
  {
    name: "meta s, N, E, x",
    section: "3.3, 3.4",
    why: "ms returns s, creates by N in append and prepend; E and x are newer than 1.6.18",
    explains: ({ name, words }) =>
      name === "ms"
        ? words.slice(2).some((word) => /^([sxE]|N\d)/.test(word))
        : /^m[da]$/.test(name) && words.slice(2).some((word) => /^[xE]/.test(word)),
  },
  {
    name: "meta flags E and x",
    section: "3.1",
    why: "newer than 1.6.18, which calls them invalid",
    explains: ({ name, words, theirs }) =>
      /^m[gsda]$/.test(name) &&
      words.slice(2).some((word) => /^[xE]/.test(word)) &&
      theirs.startsWith("CLIENT_ERROR invalid"),
  },
  {
    name: "padding of a number",
    section: "2.5",
    why: "memcached counts in a new item, not in place, while an earlier reply still holds the old one",
    explains: ({ ours, theirs }) => withoutPadding(ours) === withoutPadding(theirs),
  },
  {
    name: "ma that grows",
    section: "3.5",
    why: "1.6.18 loses T and E when the result is longer than the old value",
    explains: ({ name, words }) => name === "ma" && words.some((word) => /^[TE]/.test(word)),
  },
];

const MAGIC = 0x80;
const OPCODE_MAX = 0x24;

const OUT_OF_STEP: Difference = {
  name: "unknown opcode with a body",
  section: "4.2",
  why: "memcached swallows as many bytes again behind it",
  explains: () => true,
};
const TEXT_AFTER_ALL: Difference = {
  name: "first byte no magic",
  section: "1.1, 1.5",
  why: "the connection is a text one to both, and what is in a packet a line like any",
  explains: () => true,
};

/** The same for a packet. */
export function explainPacket(bytes: Uint8Array): Difference | undefined {
  if (bytes[0] !== MAGIC) return TEXT_AFTER_ALL;
  const opcode = bytes[1] as number;
  const isUnknown = opcode > OPCODE_MAX || (opcode >= 0x1f && opcode < 0x23);
  return isUnknown && bytes.length > PACKET_HEADER_BYTES ? OUT_OF_STEP : undefined;
}

/** The row that explains this case, or undefined: a bug. */
export function explain(command: string, ours: string, theirs: string): Difference | undefined {
  const end = command.indexOf("\n") + 1;
  const line = command.slice(0, end).replace(/\r?\n$/, "");
  const words = line.split(" ").filter((word) => word !== "");
  const seen = { line, words, name: words[0] ?? "", rest: command.slice(end), ours, theirs };
  return TEXT_DIFFERENCES.find((row) => row.explains(seen));
}

/**
 * Replies without what must differ between two servers: CAS numbers, access times, classes,
 * versions.
 */
export function normalise(reply: string): string {
  return reply
    .replace(/^(VALUE [^ \r\n]+ \d+ \d+) \d+\r$/gm, "$1 #\r")
    .replace(/^VERSION .*\r$/gm, "VERSION #\r")
    .replace(/^ME (\S+) exp=-?(\d+) la=\d+ cas=\d+ fetch=(\w+) cls=\d+ size=(\d+)\r$/gm, meLine)
    .replace(/^(?:HD|NS|EX|NF|EN|VA \d+)(?: \S+)*\r$/gm, metaLine);
}

function meLine(_all: string, key: string, exp: string, fetched: string, size: string): string {
  return `ME ${key} exp=${exp === "1" ? exp : "#"} fetch=${fetched} size=${size}\r`;
}

/**
 * CAS numbers keep only whether they are 0; TTLs are rounded, for the clock may tick between two
 * servers.
 */
function metaLine(line: string): string {
  return line
    .replace(/ c([1-9]\d*)/g, " c#")
    .replace(/ l\d+/g, " l#")
    .replace(/ t(\d+)/g, (_all, seconds: string) => ` t${Math.round(Number(seconds) / 50)}`);
}

/** Values that are numbers lose the spaces behind them, and their heads the length. */
function withoutPadding(reply: string): string {
  return reply.replace(/^(VALUE \S+ \d+|VA) \d+(.*\r\n\d+) *\r$/gm, "$1 #$2\r");
}

function firstLine(reply: string): string {
  return reply.slice(0, reply.indexOf("\n") + 1);
}

function isError(line: string): boolean {
  return /^(ERROR|CLIENT_ERROR|SERVER_ERROR)/.test(line);
}

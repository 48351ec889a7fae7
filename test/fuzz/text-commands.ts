/**
 * Random commands of the classic and meta protocols: valid ones, and ones that are wrong in every
 * place.
 *
 * A command is latin1 text, its data block included. `{cas:KEY}` stands for the CAS the item has
 * when the command is sent: another number on each server. Keys are few, so that commands meet each
 * other's items.
 *
 * Left out because the answer depends on the moment: TTLs of seconds, stats, dumps; and delayed
 * flushes, by which 1.6.18 brings back what an earlier flush has killed and it has not met since.
 */
import type { Random } from "./random.ts";

const KEYS = ["k0", "k1", "k2", "k3", "k4", "k5"] as const;
/** Not 2^64 - 1: the same memcached takes it for a number one time, and not the next. */
const NUMBERS = ["0", "1", "9", "10", "99", "9223372036854775806", "9007199254740993"] as const;
/** Seconds that stay on one side of the clock while a test runs. */
const EXPTIMES = [
  "0",
  "0",
  "0",
  "1000",
  "100000",
  "2592000",
  "-1",
  "2592001",
  "4102444800",
] as const;
/** Those that touch takes in every version: with noreply, a refusal would show only later. */
const STRICT_EXPTIMES = ["0", "1000", "100000", "2592000", "-1", "2592001"] as const;
const LIVE_EXPTIMES = ["0", "1000", "100000", "2592000", "4102444800"] as const;
const CLIENT_FLAGS = ["0", "1", "77", "4294967295"] as const;

/** A valid command, most of the time; a wrong one, once in `wrongOnceIn`. */
export function textCommand(random: Random, wrongOnceIn: number): string {
  const command = random.once(3) ? metaCommand(random) : classicCommand(random);
  return random.once(wrongOnceIn) ? wrong(random, command) : command;
}

function classicCommand(random: Random): string {
  const key = anyKey(random);
  const noreply = random.once(8) ? " noreply" : "";
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      // No long key behind another: memcached reads the items before it, and notes that, then
      // refuses the line.
      return `get ${random.once(8) ? key : plainKeys(random)}\r\n`;
    case 3:
      return `gets ${random.once(8) ? key : plainKeys(random)}\r\n`;
    case 4:
      return `${random.pick(["gat", "gats"])} ${random.pick(EXPTIMES)} ${plainKeys(random)}\r\n`;
    case 5:
    case 6:
    case 7:
      return store(random, "set", key, noreply);
    case 8:
      return store(random, random.pick(["add", "replace", "append", "prepend"]), key, noreply);
    case 9: {
      const unique = random.once(3) ? "1" : `{cas:${key}}`;
      return store(random, "cas", key, ` ${unique}${noreply}`);
    }
    case 10:
    case 11:
      return `${random.pick(["incr", "decr"])} ${key} ${random.pick(NUMBERS)}${noreply}\r\n`;
    case 12:
      return `touch ${key} ${random.pick(noreply === "" ? EXPTIMES : STRICT_EXPTIMES)}${noreply}\r\n`;
    case 13:
      return `delete ${key}${noreply}\r\n`;
    case 14:
      return random.pick(["version\r\n", "verbosity 0\r\n", "bogus\r\n", "get\tk0\r\n"]);
    default:
      return random.once(6)
        ? `flush_all${random.pick(["", " 0", " -1"])}${noreply}\r\n`
        : `get ${key}\r\n`;
  }
}

function store(random: Random, name: string, key: string, tail: string): string {
  const value = anyValue(random);
  const numbers = `${random.pick(CLIENT_FLAGS)} ${random.pick(EXPTIMES)} ${value.length}`;
  return `${name} ${key} ${numbers}${tail}\r\n${value}\r\n`;
}

function metaCommand(random: Random): string {
  const plain = random.pick(KEYS);
  const isBase64 = random.once(6);
  const key = isBase64 ? Buffer.from(plain).toString("base64") : plain;
  const base64 = isBase64 ? ["b"] : [];
  const common = [...base64, ...random.some(["k", `O${random.below(1000)}`, "q"], 3)];
  const ttl = () => random.pick(EXPTIMES);
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      // No t of a dead item: memcached shows a huge number, which is not reproduced.
      const isTold = random.once(2);
      const token = () => (isTold ? random.pick(LIVE_EXPTIMES) : ttl());
      const more = ["v", "f", "s", "c", "h", "u", `T${token()}`, `N${token()}`, "R5000", "I"];
      const flags = random.some([...more, isTold ? "t" : "Pxyz"], 7);
      return meta("mg", key, [...flags, ...common]);
    }
    case 3:
    case 4: {
      const value = anyValue(random);
      const more = [
        "c",
        `F${random.pick(CLIENT_FLAGS)}`,
        `T${ttl()}`,
        "I",
        random.once(2) ? `C{cas:${plain}}` : "C1",
        `M${random.pick(["S", "E", "R", "A", "P"])}`,
      ];
      const flags = [...random.some(more, 4), ...common];
      return `${meta("ms", `${key} ${value.length}`, flags)}${value}\r\n`;
    }
    case 5: {
      const more = ["I", `T${ttl()}`, random.once(2) ? `C{cas:${plain}}` : "C1"];
      return meta("md", key, [...random.some(more, 2), ...common]);
    }
    case 6: {
      const more = [
        "v",
        "t",
        "c",
        `D${random.pick(NUMBERS)}`,
        `N${random.pick(LIVE_EXPTIMES)}`,
        `J${random.pick(NUMBERS)}`,
        `M${random.pick(["I", "+", "D", "-"])}`,
        random.once(2) ? `C{cas:${plain}}` : "C1",
      ];
      return meta("ma", key, [...random.some(more, 5), ...common]);
    }
    default:
      return `me ${plain}\r\n`;
  }
}

function meta(name: string, key: string, flags: readonly string[]): string {
  return `${[name, key, ...flags].join(" ")}\r\n`;
}

/**
 * Breaks the command line; the data block stays, so that most of them keep their place in the
 * stream.
 */
function wrong(random: Random, command: string): string {
  const end = command.indexOf("\r\n");
  const line = command.slice(0, end);
  const data = command.slice(end);
  const words = line.split(" ");
  const at = random.below(words.length);
  switch (random.below(9)) {
    case 0:
      return words.filter((_, index) => index !== at).join(" ") + data;
    case 1:
      return [...words.slice(0, at), random.pick(WORDS), ...words.slice(at + 1)].join(" ") + data;
    case 2:
      return [...words.slice(0, at), random.pick(WORDS), ...words.slice(at)].join(" ") + data;
    case 3:
      return words.slice(0, at).join(" ") + data;
    case 4:
      return `${line} ${random.pick(WORDS)}${data}`;
    case 5:
      return line.toUpperCase() + data;
    case 6: {
      const place = random.below(line.length + 1);
      return line.slice(0, place) + lineByte(random) + line.slice(place + random.below(2)) + data;
    }
    case 7:
      return words.join("  ") + data;
    default:
      return line + data.slice(1); // a bare line feed
  }
}

const WORDS = [
  "",
  "0",
  "-1",
  "+1",
  "1x",
  "x",
  "4294967296",
  "99999999999999999999",
  "noreply",
  "k".repeat(251),
  "M",
  "S",
  "!",
  "q",
  "v",
  "Tx",
  "\xff",
] as const;

function lineByte(random: Random): string {
  return random.pick([" ", "\t", "x", "0", "-", "+", "\x01", "\x7f", "\xff", "!"]);
}

function plainKeys(random: Random): string {
  const count = random.once(20) ? 30 : 1 + random.below(5);
  return Array.from({ length: count }, () => random.pick(KEYS)).join(" ");
}

function anyKey(random: Random): string {
  if (!random.once(25)) return random.pick(KEYS);
  return random.pick(["k".repeat(250), "k".repeat(251), "noreply", "tab\tkey", "\x01\xff", "0"]);
}

function anyValue(random: Random): string {
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return random.pick(NUMBERS);
    case 4:
      return "";
    case 5:
      return random.pick([" 5", "5 6", "007", "abc", "5x", "-5", "18446744073709551616", "1.5"]);
    case 6:
      return random.bytes(random.below(300));
    case 7:
      return "\r\nEND\r\n";
    case 8:
      return random.once(10)
        ? "y".repeat(100_000 + random.below(100_000))
        : "z".repeat(random.below(5000));
    default:
      return "value".slice(0, 1 + random.below(5));
  }
}

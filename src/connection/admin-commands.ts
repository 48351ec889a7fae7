/**
 * Admin commands: slabs, lru, lru_crawler, watch. Their words are read here, at leisure: they are
 * rare.
 *
 * Our store has no slab classes, no LRU and no crawler thread: three queues (1 small, 2 main, 3
 * large), a policy without settings, and a sweep that never stops. So what tunes those is checked
 * as memcached checks it, acknowledged, and changes nothing; what shows something (dumps, watchers)
 * shows what is there. docs/protocol-support.md says it for each.
 */
import type { Clock } from "../base/clock.ts";
import { AdminWord } from "../command/op.ts";
import type { Request } from "../command/request.ts";
import type { Control } from "../memory/control.ts";
import type { LogReader } from "../memory/log-ring.ts";
import type { StoreReader } from "../store/store-reader.ts";
import type { Connection } from "./connection.ts";
import { DumpKind, DumpSource } from "./dump-source.ts";
import { WatchStream } from "./event-log.ts";
import type { Output } from "./output.ts";
import type { Source } from "./source.ts";
import { WatchSource } from "./watch-source.ts";

const OK = "OK";
const ERROR = "ERROR";
const BAD_FORMAT = "CLIENT_ERROR bad command line format";
const BAD_CLASS = "BADCLASS invalid class id";
const CLASSES_ALL: ReadonlySet<number> = new Set([1, 2, 3]);
/** memcached's highest class number. */
const CLASS_MAX = 63;
const WATCHERS_MAX = 20;
const CRAWLER_SLEEP_MAX = 1_000_000;
const CACHEDUMP_BYTES_MAX = 2 * 1024 * 1024;
const AUTOMOVE_WINDOW_MIN = 3;
const AUTOMOVE_WINDOW_MAX = 1800;
const LRU_PERCENT_MAX = 80;

/** Subcommands, in memcached's order: a prefix means the first that fits. */
const CRAWLER_WORDS = ["crawl", "metadump", "mgdump", "tocrawl", "sleep", "enable", "disable"];
/** Those that stand alone; the others have one argument. More words, or fewer, are no command. */
const CRAWLER_SWITCHES = ["enable", "disable"];
const STREAM_WORDS = Object.keys(WatchStream) as (keyof typeof WatchStream)[];

export interface AdminParts {
  readonly output: Output;
  readonly control: Control;
  readonly clock: Clock;
  readonly readers: readonly StoreReader[];
  /** Without -X. */
  readonly dumpEnabled: boolean;
  /** Without -W. */
  readonly watchEnabled: boolean;
  readonly slabReassign: boolean;
  /** -o debug. */
  readonly debug: boolean;
  /** A reader of each thread's log. */
  readonly openLogs: () => LogReader[];
}

export class AdminCommands {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  /** Does what the line says; what is answered: a line, or all that a source has. */
  perform(connection: Connection, request: Request): string | Source {
    const line = request.bytes.subarray(request.lineStart, request.lineEnd);
    const words = Buffer.from(line)
      .toString("latin1")
      .split(" ")
      .filter((word) => word !== "");
    return this.#perform(connection, request.level as AdminWord, words.slice(1));
  }

  /** `stats cachedump <class> <limit>`: the dump, or what is wrong. */
  cachedump(words: readonly string[]): string | Source {
    if (!this.#parts.dumpEnabled) return "CLIENT_ERROR stats cachedump not allowed";
    if (words.length < 2) return "CLIENT_ERROR bad command line";
    const [id, limit] = words.map(unsigned) as [number, number];
    if (Number.isNaN(id) || Number.isNaN(limit)) return BAD_FORMAT;
    if (id > CLASS_MAX) return "CLIENT_ERROR Illegal slab id";
    const options = { itemsMax: limit, bytesMax: CACHEDUMP_BYTES_MAX, classes: new Set([id]) };
    return this.#dump({ kind: DumpKind.cachedump, ...options });
  }

  #perform(connection: Connection, word: AdminWord, words: readonly string[]): string | Source {
    switch (word) {
      case AdminWord.slabs:
        return this.#slabs(words);
      case AdminWord.lru:
        return lru(words);
      case AdminWord.lruCrawler:
        return this.#crawler(connection, words);
      case AdminWord.watch:
        return this.#watch(connection, words);
      default:
        return this.#parts.debug ? this.#debugtime(words) : ERROR;
    }
  }

  /**
   * `p` pauses the clock, `r` resumes it, a number moves it; `fault <worker>` lets a worker die at
   * its next write.
   */
  #debugtime(words: readonly string[]): string {
    const { control } = this.#parts;
    const [word = "", argument = ""] = words;
    if (word === "p" || word === "r") control.setClockPaused(word === "p");
    else if (word === "fault" && !Number.isNaN(unsigned(argument))) {
      control.plantFault(unsigned(argument));
    } else if (!Number.isNaN(signed(word))) control.shiftClock(signed(word));
    else return ERROR;
    return OK;
  }

  #slabs(words: readonly string[]): string {
    if (words[0] === "automove") return automove(words.slice(1));
    if (words[0] !== "reassign" || words.length !== 3) return ERROR;
    if (!this.#parts.slabReassign) return "CLIENT_ERROR slab reassignment disabled";
    const [from, to] = words.slice(1).map(signed) as [number, number];
    if (Number.isNaN(from) || Number.isNaN(to)) return BAD_FORMAT;
    if (from === to) return "SAME src and dst class are identical";
    if (from < -1 || from > CLASS_MAX || to < 0 || to > CLASS_MAX) {
      return "BADCLASS invalid src or dst class id";
    }
    return "NOSPARE source class has no spare pages"; // slabs go wherever they are needed, by themselves
  }

  #crawler(connection: Connection, words: readonly string[]): string | Source {
    const { control } = this.#parts;
    const [given = "", argument = ""] = words;
    const word = CRAWLER_WORDS.find((candidate) => given !== "" && candidate.startsWith(given));
    if (word === undefined || words.length !== (CRAWLER_SWITCHES.includes(word) ? 1 : 2)) {
      return ERROR;
    }
    switch (word) {
      case "enable":
      case "disable": {
        const enable = word === "enable";
        if (control.crawlerEnabled() === enable) {
          return `ERROR failed to ${enable ? "start" : "stop"} lru crawler thread`;
        }
        control.setCrawlerEnabled(enable);
        return OK;
      }
      case "sleep":
        if (Number.isNaN(unsigned(argument))) return BAD_FORMAT;
        return unsigned(argument) > CRAWLER_SLEEP_MAX
          ? "CLIENT_ERROR sleep must be one second or less"
          : OK;
      case "tocrawl":
        return Number.isNaN(unsigned(argument)) ? BAD_FORMAT : OK;
      default:
        return this.#crawl(connection, word, argument);
    }
  }

  #crawl(connection: Connection, word: string, argument: string): string | Source {
    const { control, dumpEnabled } = this.#parts;
    if (word !== "crawl" && !dumpEnabled) {
      return word === "metadump" ? "ERROR metadump not allowed" : "ERROR key dump not allowed";
    }
    if (word !== "crawl" && this.#hasReplies(connection)) return pipelined(word);
    if (!control.crawlerEnabled()) return "CLIENT_ERROR lru crawler disabled";
    const classes = classesOf(argument, word !== "crawl");
    if (classes === null) return BAD_CLASS;
    if (classes.size === 0) return "NOTSTARTED no items to crawl";
    if (word === "crawl") return OK; // the sweep reclaims what has expired, all the time
    const kind = word === "metadump" ? DumpKind.metadump : DumpKind.mgdump;
    return this.#dump({ kind, classes, itemsMax: 0, bytesMax: 0 });
  }

  /** True when replies to earlier commands have not left yet. */
  #hasReplies(connection: Connection): boolean {
    return this.#parts.output.position() > 0 || connection.pendingCount > 0;
  }

  #dump(options: ConstructorParameters<typeof DumpSource>[0]): Source {
    return new DumpSource(options, this.#parts.readers, this.#parts.clock);
  }

  #watch(connection: Connection, words: readonly string[]): string | Source {
    const { control, watchEnabled, output, openLogs } = this.#parts;
    if (!watchEnabled) return "CLIENT_ERROR watch commands not allowed";
    if (this.#hasReplies(connection)) return pipelined("watch");
    let streams = words.length === 0 ? WatchStream.fetchers : 0;
    for (const given of words) {
      const word = STREAM_WORDS.find((candidate) => candidate.startsWith(given));
      if (word === undefined) return ERROR;
      streams |= WatchStream[word];
    }
    if (control.watchers() >= WATCHERS_MAX) return "WATCHER_TOO_MANY log watcher limit reached";
    output.at += Buffer.from(`${OK}\r\n`).copy(output.bytes, output.at);
    return new WatchSource(control, streams, openLogs());
  }
}

/** What starts a stream must not stand behind commands whose replies are still to be sent. */
function pipelined(word: string): string {
  return `ERROR cannot pipeline other commands before ${word}`;
}

function automove(words: readonly string[]): string {
  const [word = "", argument = ""] = words;
  if (word === "ratio" || word === "freeratio") {
    return Number.isNaN(real(argument)) ? ERROR : OK;
  }
  if (word === "window") {
    const seconds = unsigned(argument);
    if (Number.isNaN(seconds)) return BAD_FORMAT;
    return seconds < AUTOMOVE_WINDOW_MIN || seconds > AUTOMOVE_WINDOW_MAX
      ? "CLIENT_ERROR automove window too low or too high"
      : OK;
  }
  if (word === "") return ERROR;
  const level = unsigned(word);
  if (Number.isNaN(level)) return BAD_FORMAT;
  return level <= 2 ? OK : ERROR;
}

function lru(words: readonly string[]): string {
  const [word, ...rest] = words;
  if (word === "mode") return rest[0] === "flat" || rest[0] === "segmented" ? OK : ERROR;
  if (word === "temp_ttl")
    return rest[0] !== undefined && !Number.isNaN(signed(rest[0])) ? OK : ERROR;
  if (word !== "tune" || rest.length < 4) return ERROR;
  const [hot, warm] = rest.slice(0, 2).map(unsigned) as [number, number];
  const [hotFactor, warmFactor] = rest.slice(2, 4).map(real) as [number, number];
  if (Number.isNaN(hot + warm + hotFactor + warmFactor)) return ERROR;
  if (hot + warm > LRU_PERCENT_MAX) return "ERROR hot and warm pcts must not exceed 80";
  if (hotFactor <= 0 || warmFactor <= 0) {
    return "ERROR hot/warm age factors must be greater than 0";
  }
  return OK;
}

/**
 * `all`, `hash` where a dump may have it, or numbers with commas, none if there are only commas;
 * null when it is something else.
 */
function classesOf(argument: string, mayHash: boolean): ReadonlySet<number> | null {
  if (argument === "all" || (mayHash && argument === "hash")) return CLASSES_ALL;
  const ids = argument
    .split(",")
    .filter((id) => id !== "") // `1,,2` is 1 and 2
    .map(unsigned);
  if (ids.some((id) => Number.isNaN(id) || id === 0 || id > CLASS_MAX)) return null;
  return new Set(ids);
}

/** A whole unsigned 32-bit number, or NaN. */
function unsigned(word: string): number {
  return /^\d{1,10}$/.test(word) && Number(word) < 2 ** 32 ? Number(word) : Number.NaN;
}

/** A whole signed 32-bit number, or NaN. */
function signed(word: string): number {
  return /^-?\d{1,10}$/.test(word) && Math.abs(Number(word)) < 2 ** 31 ? Number(word) : Number.NaN;
}

/** A number with or without a fraction, or NaN. */
function real(word: string): number {
  return word === "" ? Number.NaN : Number(word);
}

/**
 * -o: memcached's extended options, a comma list of `name` or `name=value`.
 *
 * All of memcached's are known, with its ranges and its words; one it does not know is refused.
 * Most tune machinery that is not here (size classes, segmented LRU): they are checked, kept where
 * memcached's `stats settings` shows them, and change nothing. Those of builds we are not (external storage, TLS) are
 * taken with a warning, so that a start script goes on working.
 */
import { KIB, MIB, UINT32_MAX } from "../base/unit.ts";
import { didYouMean } from "./nearest.ts";
import { type Draft, EXIT_USAGE, type Refusal } from "./option.ts";
import {
  BUSY_POLL_LONE,
  BUSY_POLL_MICROSECONDS_MAX,
  EXTENDED_DEFAULTS,
  type ExtendedSettings,
  type HashAlgorithm,
  type Settings,
  THREADS_MAX,
} from "./settings.ts";
import {
  fraction,
  ignored,
  into,
  number,
  pair,
  refuse,
  type Suboption,
  set,
  word,
} from "./suboption.ts";
import { integerFrom } from "./values.ts";

const INT32_MAX = 0x7fff_ffff;
/** memcached's slab classes end here; `slab_sizes` may name one fewer. */
const SLAB_CLASSES_MAX = 62;
const SLAB_CLASS_STEP_BYTES = 8;
const HASH_ALGORITHMS: readonly HashAlgorithm[] = ["jenkins", "murmur3", "xxh3"];

function slabSizes(text: string): Refusal | null {
  let last = 0;
  const sizes = text.split("-");
  for (const sizeText of sizes) {
    const size = integerFrom(sizeText, 0, UINT32_MAX);
    if (size === null || size < 32 || size > MIB / 2) {
      return refuse(`slab size ${sizeText} is out of valid range`, "32 to 524288", EXIT_USAGE);
    }
    if (last >= size) {
      const complaint = `slab size ${size} cannot be lower than or equal to a previous class size`;
      return refuse(complaint, "ascending sizes", EXIT_USAGE);
    }
    if (size <= last + SLAB_CLASS_STEP_BYTES) {
      const complaint = `slab size ${size} must be at least 8 bytes larger than previous class`;
      return refuse(complaint, "steps of more than 8", EXIT_USAGE);
    }
    last = size;
  }
  if (sizes.length > SLAB_CLASSES_MAX) {
    return refuse("too many slab classes specified", `at most ${SLAB_CLASSES_MAX}`, EXIT_USAGE);
  }
  return null;
}

function slabAutomove(draft: Draft, text: string | null): Refusal | null {
  const mode = text === null ? 1 : integerFrom(text, 0, 2);
  if (mode === null) return refuse("slab_automove must be between 0 and 2", "0, 1 or 2");
  draft.extended.slabAutomove = mode;
  return null;
}

function slabChunkMax(draft: Draft, text: string): Refusal | null {
  const kilobytes = integerFrom(text, 0, INT32_MAX);
  if (kilobytes === null || kilobytes === 0) {
    return refuse("slab_chunk_max must be >= 0", "1 to 1024");
  }
  if (kilobytes > 1024) {
    return refuse("slab_chunk_max must be specified in kilobytes.", "1 to 1024");
  }
  draft.extended.slabChunkBytesMax = kilobytes * KIB;
  return null;
}

function hashAlgorithm(draft: Draft, text: string): Refusal | null {
  const algorithm = HASH_ALGORITHMS.find((known) => known === text);
  if (algorithm === undefined) {
    const complaint = "Unknown hash_algorithm option (jenkins, murmur3, xxh3)";
    return refuse(complaint, HASH_ALGORITHMS.join(", "));
  }
  draft.extended.hashAlgorithm = algorithm;
  return null;
}

function hashpower(draft: Draft, text: string): Refusal | null {
  const power = integerFrom(text, -INT32_MAX, INT32_MAX) ?? 0;
  if (power < 12) {
    return refuse(`Initial hashtable multiplier of ${text} is too low`, "12 to 32");
  }
  if (power > 32) {
    return refuse(`Initial hashtable multiplier of ${text} is too high`, "12 to 32");
  }
  draft.extended.hashpower = power;
  return null;
}

/** What `no_modern` brings back: the defaults of memcached 1.4. */
function noModern(draft: Draft): void {
  const extended = draft.extended;
  extended.slabReassign = false;
  extended.slabAutomove = 0;
  extended.maxconnsFast = false;
  extended.lruCrawler = false;
  extended.lruMaintainer = false;
  extended.lruSegmented = false;
  extended.hashAlgorithm = "jenkins";
  extended.slabChunkBytesMax = MIB;
}

const unparsed = (name: string) => () => `could not parse argument to ${name}`;
const noExtstore = "there is no external storage";
const noTls = "this server is not built with TLS support";

const EXTSTORE_NAMES = [
  "ext_path",
  "ext_page_size",
  "ext_wbuf_size",
  "ext_threads",
  "ext_io_depth",
  "ext_item_size",
  "ext_item_age",
  "ext_low_ttl",
  "ext_recache_rate",
  "ext_compact_under",
  "ext_drop_under",
  "ext_max_frag",
  "ext_max_sleep",
  "ext_drop_unread",
];

const TLS_NAMES = [
  "ssl_chain_cert",
  "ssl_key",
  "ssl_verify_mode",
  "ssl_keyformat",
  "ssl_ciphers",
  "ssl_ca_cert",
  "ssl_wbuf_size",
  "ssl_session_cache",
  "ssl_kernel_tls",
  "ssl_min_version",
];

const numeric = (name: string) => `Missing numeric argument for ${name}`;

export const SUBOPTIONS: readonly Suboption[] = [
  ...pair("maxconns_fast", "maxconnsFast"),
  { name: "hashpower", missing: numeric("hashpower"), apply: (d, t) => hashpower(d, t as string) },
  word("no_hashexpand", () => {}),
  ...pair("slab_reassign", "slabReassign"),
  { name: "slab_automove", missing: null, apply: slabAutomove },
  word("no_slab_automove", (draft) => {
    draft.extended.slabAutomove = 0;
  }),
  fraction(
    "slab_automove_ratio",
    0,
    1,
    "slab_automove_ratio must be > 0 and < 1",
    "slabAutomoveRatio",
  ),
  number(
    "slab_automove_window",
    { least: 3, most: 1799 },
    () => "slab_automove_window must be > 2 and < 1800",
    into("slabAutomoveWindow"),
  ),
  fraction("slab_automove_freeratio", 0, 1, "slab_automove_freeratio must be > 0 and < 1", null),
  {
    name: "slab_sizes",
    missing: "Missing slab_sizes argument",
    apply: (_draft, text) => slabSizes(text as string),
  },
  {
    name: "slab_chunk_max",
    missing: "Missing slab_chunk_max argument",
    apply: (draft, text) => slabChunkMax(draft, text as string),
  },
  word("no_chunked_items", (draft) => {
    draft.extended.slabChunkBytesMax = MIB;
  }),
  number(
    "tail_repair_time",
    { least: 10, most: INT32_MAX, missing: numeric("tail_repair_time") },
    () => "Cannot set tail_repair_time to less than 10 seconds",
    into("tailRepairSeconds"),
  ),
  {
    name: "hash_algorithm",
    missing: "Missing hash_algorithm argument",
    apply: (draft, text) => hashAlgorithm(draft, text as string),
  },
  ...pair("lru_crawler", "lruCrawler"),
  number(
    "lru_crawler_sleep",
    { least: 0, most: 1_000_000, missing: "Missing lru_crawler_sleep value" },
    () => "LRU crawler sleep must be between 0 and 1 second",
    into("lruCrawlerSleepMicroseconds"),
  ),
  number(
    "lru_crawler_tocrawl",
    { least: 0, most: UINT32_MAX, missing: "Missing lru_crawler_tocrawl value" },
    () => "lru_crawler_tocrawl takes a numeric 32bit value",
    into("lruCrawlerToCrawl"),
  ),
  word("lru_maintainer", (draft) => {
    draft.extended.lruMaintainer = true;
    draft.extended.lruSegmented = true;
  }),
  word("no_lru_maintainer", (draft) => {
    draft.extended.lruMaintainer = false;
    draft.extended.lruSegmented = false;
  }),
  number(
    "hot_lru_pct",
    { least: 1, most: 79 },
    () => "hot_lru_pct must be > 1 and < 80",
    into("hotLruPercent"),
  ),
  number(
    "warm_lru_pct",
    { least: 1, most: 79 },
    () => "warm_lru_pct must be > 1 and < 80",
    into("warmLruPercent"),
  ),
  fraction("hot_max_factor", 0, Infinity, "hot_max_factor must be > 0", "hotMaxFactor"),
  fraction("warm_max_factor", 0, Infinity, "warm_max_factor must be > 0", "warmMaxFactor"),
  number(
    "temporary_ttl",
    { least: 0, most: INT32_MAX },
    unparsed("temporary_ttl"),
    (draft, value) => {
      draft.extended.temporaryTtl = true;
      draft.extended.temporaryTtlSeconds = value;
    },
  ),
  number(
    "idle_timeout",
    { least: 0, most: INT32_MAX, missing: numeric("idle_timeout") },
    unparsed("idle_timeout"),
    (draft, value) => {
      draft.idleSeconds = value;
    },
  ),
  number(
    "watcher_logbuf_size",
    { least: 1, most: MIB },
    unparsed("watcher_logbuf_size"),
    (draft, value) => {
      draft.extended.watcherLogBytes = value * KIB;
    },
  ),
  number(
    "worker_logbuf_size",
    { least: 1, most: MIB },
    unparsed("worker_logbuf_size"),
    (draft, value) => {
      draft.extended.workerLogBytes = value * KIB;
    },
  ),
  number(
    "read_buf_mem_limit",
    { least: 0, most: MIB },
    unparsed("read_buf_mem_limit"),
    (draft, value) => {
      draft.extended.readBufferBytesMax = value * MIB;
    },
  ),
  word("resp_obj_mem_limit", (draft) => {
    draft.warnings.push("DEPRECATED: resp_obj_mem_limit no longer used. See read_buf_mem_limit,");
  }),
  word("track_sizes", (draft) => set(draft, "trackSizes", true)),
  number(
    "socket_threads",
    { least: 0, most: THREADS_MAX },
    unparsed("socket_threads"),
    into("socketThreads"),
  ),
  number(
    "busy_poll",
    { least: 0, most: BUSY_POLL_MICROSECONDS_MAX },
    unparsed("busy_poll"),
    into("busyPollMicroseconds"),
  ),
  ...pair("lending", "lending"),
  ...pair("udp_multi_datagram", "udpMultiDatagram"),
  word("debug", (draft) => set(draft, "debug", true)),
  word("modern", () => {}),
  word("no_modern", noModern),
  word("inline_ascii_resp", () => {}),
  word("no_inline_ascii_resp", () => {}),
  word("drop_privileges", () => {}),
  word("no_drop_privileges", () => {}),
  ...EXTSTORE_NAMES.map((name) => ignored(name, noExtstore)),
  ...TLS_NAMES.map((name) => ignored(name, noTls)),
];

const SUBOPTION_BY_NAME = new Map(SUBOPTIONS.map((suboption) => [suboption.name, suboption]));

/** Applies a comma list; stops at the first that is refused. */
export function applySuboptions(draft: Draft, list: string): Refusal | null {
  for (const part of list.split(",")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    const value = equals < 0 ? null : part.slice(equals + 1);
    const suboption = SUBOPTION_BY_NAME.get(name);
    if (suboption === undefined) {
      const meant = didYouMean(name, SUBOPTION_BY_NAME.keys());
      return refuse(`Illegal suboption "${part}"`, `the extended options memcached knows${meant}`);
    }
    if (value === null && suboption.missing !== null) {
      return refuse(suboption.missing, `${name}=<value>`);
    }
    const refusal = suboption.apply(draft, value);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Checks that need more than one suboption. */
export function checkSuboptions(extended: ExtendedSettings): Refusal | null {
  if (extended.hotLruPercent + extended.warmLruPercent > 80) {
    const complaint = "hot_lru_pct + warm_lru_pct cannot be more than 80% combined";
    return refuse(complaint, "a sum of at most 80", EXIT_USAGE);
  }
  if (extended.temporaryTtl && !extended.lruMaintainer) {
    const complaint = "temporary_ttl requires lru_maintainer to be enabled";
    return refuse(complaint, "temporary_ttl without no_lru_maintainer", EXIT_USAGE);
  }
  return null;
}

/**
 * The suboptions that differ from the defaults and matter here, as -o takes them; null when there
 * are none.
 */
export function shownSuboptions(settings: Settings): string | null {
  const parts: string[] = [];
  const extended = settings.extended;
  if (settings.idleSeconds !== 0) parts.push(`idle_timeout=${settings.idleSeconds}`);
  if (!extended.maxconnsFast) parts.push("no_maxconns_fast");
  if (extended.readBufferBytesMax !== 0) {
    parts.push(`read_buf_mem_limit=${extended.readBufferBytesMax / MIB}`);
  }
  if (extended.trackSizes) parts.push("track_sizes");
  if (extended.socketThreads !== 0) parts.push(`socket_threads=${extended.socketThreads}`);
  if (extended.busyPollMicroseconds !== BUSY_POLL_LONE) {
    parts.push(`busy_poll=${extended.busyPollMicroseconds}`);
  }
  if (!extended.lending) parts.push("no_lending");
  if (extended.udpMultiDatagram) parts.push("udp_multi_datagram");
  if (extended.debug) parts.push("debug");
  if (extended.watcherLogBytes !== EXTENDED_DEFAULTS.watcherLogBytes) {
    parts.push(`watcher_logbuf_size=${extended.watcherLogBytes / KIB}`);
  }
  if (extended.workerLogBytes !== EXTENDED_DEFAULTS.workerLogBytes) {
    parts.push(`worker_logbuf_size=${extended.workerLogBytes / KIB}`);
  }
  return parts.length === 0 ? null : parts.join(",");
}

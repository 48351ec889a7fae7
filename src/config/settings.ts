/**
 * Settings: what flags, environment, file and defaults come to. Plain data: structured-cloneable,
 * handed to every worker, never changed after the start (what a client may change at run time, such
 * as verbosity, lives in the control block).
 *
 * Names are ours; the memcached flag behind each stands beside it. Sizes are bytes and times
 * seconds whatever the flag's unit.
 */
import { GIB, KIB, MIB } from "../base/unit.ts";

export type TransportChoice = "auto" | "native" | "epoll" | "uring" | "node";
export type ProtocolChoice = "auto" | "ascii" | "binary";
export type HashAlgorithm = "jenkins" | "murmur3" | "xxh3";

/** One address to listen on: what an entry of -l says. */
export interface ListenAddress {
  /** A name, an IPv4 or IPv6 address without brackets, or "*" for every address. */
  readonly host: string;
  /** 0 = any free port; never the -p 0 that means "no TCP". */
  readonly port: number;
  /** What this listener's connections speak: its `proto[…]`, or -B. */
  readonly protocol: ProtocolChoice;
  /** 1 to 8 characters that mark this listener, or empty. */
  readonly tag: string;
}

/**
 * -o: memcached's tuning words. Those that have no meaning here are kept because `stats settings`
 * prints them.
 */
export interface ExtendedSettings {
  readonly maxconnsFast: boolean;
  readonly hashpower: number;
  readonly slabReassign: boolean;
  readonly slabAutomove: number;
  readonly slabAutomoveRatio: number;
  readonly slabAutomoveWindow: number;
  readonly slabChunkBytesMax: number;
  readonly tailRepairSeconds: number;
  readonly hashAlgorithm: HashAlgorithm;
  readonly lruCrawler: boolean;
  readonly lruCrawlerSleepMicroseconds: number;
  readonly lruCrawlerToCrawl: number;
  readonly lruMaintainer: boolean;
  readonly lruSegmented: boolean;
  readonly hotLruPercent: number;
  readonly warmLruPercent: number;
  readonly hotMaxFactor: number;
  readonly warmMaxFactor: number;
  readonly temporaryTtl: boolean;
  readonly temporaryTtlSeconds: number;
  readonly watcherLogBytes: number;
  readonly workerLogBytes: number;
  readonly readBufferBytesMax: number;
  readonly trackSizes: boolean;
  /** Workers that serve sockets under the native transport; 0 is one for each processor. */
  readonly socketThreads: number;
  /**
   * Microseconds a thread looks for more before it sleeps; BUSY_POLL_LONE: only for a client that
   * is alone.
   */
  readonly busyPollMicroseconds: number;
  /** A sleeping worker's shard may be changed by another (ring/loan.ts). */
  readonly lending: boolean;
  /** UDP: replies may be more than one datagram, for networks where nobody forges addresses. */
  readonly udpMultiDatagram: boolean;
  /** Tests may move the clock and let a worker die. */
  readonly debug: boolean;
}

export interface Settings {
  /** -p: 0 = no TCP, -1 = any free port. */
  readonly port: number;
  /** -U: 0 = no UDP, -1 = any free port. */
  readonly udpPort: number;
  /** -s: the socket's path, instead of TCP; empty = none. */
  readonly unixSocket: string;
  /** -a */
  readonly unixMask: number;
  /** -l, resolved against -p; empty when only a Unix socket is served. */
  readonly listen: readonly ListenAddress[];
  /** -l, resolved against -U; empty when no UDP is served. */
  readonly udpListen: readonly ListenAddress[];
  /** -l as it was written, for `stats settings`' "inter"; empty = the default. */
  readonly listenText: string;
  /** -A */
  readonly shutdownEnabled: boolean;
  /** -d */
  readonly daemon: boolean;
  /** -r */
  readonly coreDumps: boolean;
  /** -u; empty = stay who we are. */
  readonly user: string;
  /** -m */
  readonly memoryBytes: number;
  /** Without -M */
  readonly evictions: boolean;
  /** -c */
  readonly maxConnections: number;
  /** -k */
  readonly lockMemory: boolean;
  /** -v, -vv, -vvv */
  readonly verbosity: number;
  /** -P; empty = none. */
  readonly pidFile: string;
  /** -f */
  readonly growthFactor: number;
  /** -n */
  readonly chunkBytesMin: number;
  /** -L */
  readonly largePages: boolean;
  /** -D */
  readonly prefixDelimiter: string;
  /** -D given: count per prefix from the start. */
  readonly detailEnabled: boolean;
  /** -t: worker threads, and shards. */
  readonly threads: number;
  /** -R */
  readonly requestsPerEvent: number;
  /** Without -C */
  readonly casEnabled: boolean;
  /** -b */
  readonly backlog: number;
  /** -B */
  readonly protocol: ProtocolChoice;
  /** -I */
  readonly itemBytesMax: number;
  /** -S */
  readonly saslEnabled: boolean;
  /** --sasl-password-file, or MEMCACHED_SASL_PWDB; empty = none. */
  readonly saslPasswordFile: string;
  /** Without -F */
  readonly flushEnabled: boolean;
  /** Without -X */
  readonly dumpEnabled: boolean;
  /** Without -W */
  readonly watchEnabled: boolean;
  /** -Y; empty = none. */
  readonly authFile: string;
  /** -N */
  readonly napiIds: number;
  /** -o idle_timeout; 0 = never. */
  readonly idleSeconds: number;
  readonly extended: ExtendedSettings;
  /** --transport */
  readonly transport: TransportChoice;
  /** --promote-hits: hits that take an item of average size from the small to the main queue. */
  readonly promoteHits: number;
  /** --admin-listen: where the admin HTTP server listens; "none" = nowhere. */
  readonly adminListen: string;
  /** --admin-token-file; empty = none. The token itself never stands in settings. */
  readonly adminTokenFile: string;
  /** --admin-hosts: further names a Host header may carry, or "*"; empty = none. */
  readonly adminHosts: string;
  /** --admin-audit-file; empty = the log. */
  readonly adminAuditFile: string;
  /** --peers, checked; empty = none. */
  readonly peers: string;
  /** --cluster, checked; empty = none. */
  readonly cluster: string;
  /** --cluster-advertise; empty = what is listened on. */
  readonly clusterAdvertise: string;
  /** --cluster-name; empty = the address advertised. */
  readonly clusterName: string;
  /** --cluster-weight */
  readonly clusterWeight: number;
  /** --cluster-forget; 0 = never. */
  readonly clusterForgetSeconds: number;
  /** --drain */
  readonly drainSeconds: number;
  /** -e: the file items are kept in, over a restart; empty = none. */
  readonly memoryFile: string;
  /** --memory-file-on-disk: -e may name a file of a filesystem that writes back to a disk. */
  readonly memoryFileOnDisk: boolean;
  /** --persistence-dir; empty = none. Nothing is kept there yet. */
  readonly persistenceDir: string;
  /** MEMCACHED_PORT_FILENAME; empty = none. */
  readonly portFile: string;
}

/** Workers are named by a byte in the rings; memcached advises against more than 64. */
export const THREADS_MAX = 255;
/** The value for "any free port", as the operator writes it. */
export const PORT_ANY = -1;
const PORT_DEFAULT = 11_211;
/** Kubernetes gives a pod 30 seconds to end. */
const DRAIN_SECONDS_DEFAULT = 20;
const MEMORY_BYTES_DEFAULT = 64 * MIB;
/**
 * A second node on one machine finds this taken: that is a warning. Any other address taken is an
 * error.
 */
export const ADMIN_LISTEN_DEFAULT = "127.0.0.1:11280";
export const ADMIN_LISTEN_NONE = "none";
const ITEM_BYTES_MAX_DEFAULT = MIB;
export const ITEM_BYTES_MAX_LEAST = KIB;
export const ITEM_BYTES_MAX_MOST = GIB;

/** connection/busy-poll.ts */
export const BUSY_POLL_LONE = -1;
/** The clock of a poll goes round after 4 s. */
export const BUSY_POLL_MICROSECONDS_MAX = 1_000_000;

export const EXTENDED_DEFAULTS: ExtendedSettings = {
  maxconnsFast: true,
  hashpower: 0,
  slabReassign: true,
  slabAutomove: 1,
  slabAutomoveRatio: 0.8,
  slabAutomoveWindow: 10,
  slabChunkBytesMax: 512 * KIB,
  tailRepairSeconds: 0,
  hashAlgorithm: "murmur3",
  lruCrawler: true,
  lruCrawlerSleepMicroseconds: 100,
  lruCrawlerToCrawl: 0,
  lruMaintainer: true,
  lruSegmented: true,
  hotLruPercent: 20,
  warmLruPercent: 40,
  hotMaxFactor: 0.2,
  warmMaxFactor: 2,
  temporaryTtl: false,
  temporaryTtlSeconds: 61,
  watcherLogBytes: 256 * KIB,
  workerLogBytes: 64 * KIB,
  readBufferBytesMax: 0,
  trackSizes: false,
  socketThreads: 0,
  busyPollMicroseconds: BUSY_POLL_LONE,
  lending: true,
  udpMultiDatagram: false,
  debug: false,
};

/**
 * The settings of a start with no flags. `threads` and what listens are filled by config/load.ts.
 */
export const SETTINGS_DEFAULTS: Settings = {
  port: PORT_DEFAULT,
  udpPort: 0,
  unixSocket: "",
  unixMask: 0o700,
  listen: [],
  udpListen: [],
  listenText: "",
  shutdownEnabled: false,
  daemon: false,
  coreDumps: false,
  user: "",
  memoryBytes: MEMORY_BYTES_DEFAULT,
  evictions: true,
  maxConnections: 1024,
  lockMemory: false,
  verbosity: 0,
  pidFile: "",
  growthFactor: 1.25,
  chunkBytesMin: 48,
  largePages: false,
  prefixDelimiter: ":",
  detailEnabled: false,
  threads: 0,
  requestsPerEvent: 20,
  casEnabled: true,
  backlog: 1024,
  protocol: "auto",
  itemBytesMax: ITEM_BYTES_MAX_DEFAULT,
  saslEnabled: false,
  saslPasswordFile: "",
  flushEnabled: true,
  dumpEnabled: true,
  watchEnabled: true,
  authFile: "",
  napiIds: 0,
  idleSeconds: 0,
  extended: EXTENDED_DEFAULTS,
  transport: "auto",
  promoteHits: 1,
  adminListen: ADMIN_LISTEN_DEFAULT,
  adminTokenFile: "",
  adminHosts: "",
  adminAuditFile: "",
  peers: "",
  cluster: "",
  clusterAdvertise: "",
  clusterName: "",
  clusterWeight: 1,
  clusterForgetSeconds: 0,
  drainSeconds: DRAIN_SECONDS_DEFAULT,
  memoryFile: "",
  memoryFileOnDisk: false,
  persistenceDir: "",
  portFile: "",
};

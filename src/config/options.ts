/**
 * Every option, as data: memcached's flags, short and long, in the order its help lists them, then
 * our own.
 *
 * Flags, SHARDCACHED_* variables, configuration files, the help, `--print-config` and the tests all
 * read this table; nothing else knows an option's name. Texts of refusals and exit codes are
 * memcached's (the tests compare with a real one), but the line goes on to say which option, which
 * value and what is allowed.
 */
import { MIB } from "../base/unit.ts";
import { CLUSTER_OPTIONS } from "./cluster-options.ts";
import {
  EXIT_FAILURE,
  EXIT_USAGE,
  integerOption,
  notBuilt,
  type Option,
  switchOption,
  textOption,
  wishOption,
} from "./option.ts";
import { THREADS_MAX } from "./settings.ts";
import {
  adminListen,
  completion,
  configFile,
  extended,
  growthFactor,
  itemBytesMax,
  listen,
  memcachedDir,
  memoryLimit,
  prefixDelimiter,
  protocol,
  threads,
  transport,
  unixMask,
  verbose,
} from "./special-options.ts";

const INT32_MAX = 0x7fff_ffff;
/**
 * Each thread has a table row for each; Linux gives a process no more descriptors than this by
 * default.
 */
const CONNECTIONS_MAX = 1_048_576;
const PORT_MAX = 65_535;
const BACKLOG_MAX = 65_535;
const VERBOSITY_MAX = 3;
const PROMOTE_HITS_MAX = 3;

const portBounds = { argument: "num", least: -1, most: PORT_MAX, exitCode: EXIT_USAGE };
const invalidPort = (text: string) => `ERROR: Invalid port number ${text}.`;

const port = integerOption(
  { letter: "p", name: "port", help: ["TCP port to listen on (default: 11211)"] },
  "port",
  portBounds,
  invalidPort,
);

const udpPort = integerOption(
  { letter: "U", name: "udp-port", help: ["UDP port to listen on (default: 0, off)"] },
  "udpPort",
  portBounds,
  invalidPort,
);

const count = (most: number) => ({ argument: "num", least: 1, most, exitCode: EXIT_FAILURE });

/** 0, the default, cannot be written: memcached refuses it. */
const napiIds: Option = {
  ...integerOption(
    { letter: "N", name: "napi-ids", help: ["accepted; threads are not chosen by NAPI id"] },
    "napiIds",
    count(THREADS_MAX),
    () => "Maximum number of NAPI IDs must be greater than 0",
  ),
  shown: (settings) => (settings.napiIds === 0 ? null : String(settings.napiIds)),
};

/** In the order of memcached's help. */
export const OPTIONS: readonly Option[] = [
  port,
  udpPort,
  textOption(
    {
      letter: "s",
      name: "unix-socket",
      help: ["UNIX socket to listen on (disables network support)"],
    },
    "unixSocket",
    "file",
    "a path",
  ),
  unixMask,
  switchOption(
    { letter: "A", name: "enable-shutdown", help: ['enable ascii "shutdown" command'] },
    "shutdownEnabled",
    true,
  ),
  listen,
  switchOption({ letter: "d", name: "daemon", help: ["run as a daemon"] }, "daemon", true),
  switchOption(
    { letter: "r", name: "enable-coredumps", help: ["maximize core file limit"] },
    "coreDumps",
    true,
  ),
  textOption(
    {
      letter: "u",
      name: "user",
      help: ["assume identity of <username> (only when run as root)"],
    },
    "user",
    "user",
    "a user's name",
  ),
  memoryLimit,
  switchOption(
    {
      letter: "M",
      name: "disable-evictions",
      help: ["return error on memory exhausted instead of evicting"],
    },
    "evictions",
    false,
  ),
  integerOption(
    {
      letter: "c",
      name: "conn-limit",
      help: ["max simultaneous connections (default: 1024)"],
    },
    "maxConnections",
    count(CONNECTIONS_MAX),
    () => "Maximum connections must be greater than 0",
  ),
  switchOption(
    { letter: "k", name: "lock-memory", help: ["lock down all paged memory"] },
    "lockMemory",
    true,
  ),
  verbose,
  wishOption({ letter: "h", name: "help", help: ["print this help and exit"] }, "help"),
  wishOption({ letter: "i", name: "license", help: ["print the license"] }, "license"),
  wishOption({ letter: "V", name: "version", help: ["print version and exit"] }, "version"),
  textOption(
    { letter: "P", name: "pidfile", help: ["save PID in <file>"] },
    "pidFile",
    "file",
    "a path",
  ),
  growthFactor,
  integerOption(
    {
      letter: "n",
      name: "slab-min-size",
      help: ["accepted for memcached's sake, like -f"],
    },
    "chunkBytesMin",
    { ...count(MIB), argument: "bytes" },
    () => "Chunk size must be greater than 0",
  ),
  switchOption(
    {
      letter: "L",
      name: "enable-largepages",
      help: ["accepted; huge pages are asked for anyway"],
    },
    "largePages",
    true,
  ),
  prefixDelimiter,
  threads,
  integerOption(
    {
      letter: "R",
      name: "max-reqs-per-event",
      help: [
        "maximum number of requests per event, limits the",
        "requests processed per connection to prevent",
        "starvation (default: 20)",
      ],
    },
    "requestsPerEvent",
    count(INT32_MAX),
    () => "Number of requests per event must be greater than 0",
  ),
  switchOption(
    { letter: "C", name: "disable-cas", help: ["disable use of CAS"] },
    "casEnabled",
    false,
  ),
  integerOption(
    {
      letter: "b",
      name: "listen-backlog",
      help: ["set the backlog queue limit (default: 1024)"],
    },
    "backlog",
    { argument: "num", least: 0, most: BACKLOG_MAX, exitCode: EXIT_USAGE },
    () => "Invalid backlog queue limit",
  ),
  protocol,
  itemBytesMax,
  switchOption(
    { letter: "S", name: "enable-sasl", help: ["turn on Sasl authentication"] },
    "saslEnabled",
    true,
  ),
  switchOption(
    { letter: "F", name: "disable-flush-all", help: ["disable flush_all command"] },
    "flushEnabled",
    false,
  ),
  switchOption(
    {
      letter: "X",
      name: "disable-dumping",
      help: ["disable stats cachedump and lru_crawler metadump"],
    },
    "dumpEnabled",
    false,
  ),
  switchOption(
    {
      letter: "W",
      name: "disable-watch",
      help: ["disable watch commands (live logging)"],
    },
    "watchEnabled",
    false,
  ),
  textOption(
    {
      letter: "Y",
      name: "auth-file",
      help: ["enable ASCII protocol authentication. format:", "user:pass\\nuser2:pass2\\n"],
    },
    "authFile",
    "file",
    "a path",
  ),
  textOption(
    {
      letter: "",
      name: "sasl-password-file",
      help: ["file of user:password lines for -S (MEMCACHED_SASL_PWDB names it too)"],
    },
    "saslPasswordFile",
    "file",
    "a path",
  ),
  textOption(
    {
      letter: "e",
      name: "memory-file",
      help: ["file on tmpfs to keep items in, over a restart, a crash, kill -9"],
    },
    "memoryFile",
    "file",
    "a path",
  ),
  notBuilt("Z", "enable-ssl", "", "This server is not built with TLS support."),
  napiIds,
  extended,
  integerOption(
    {
      letter: "",
      name: "verbosity",
      help: ["the same as as many -v (default: 0)"],
    },
    "verbosity",
    { argument: "num", least: 0, most: VERBOSITY_MAX, exitCode: EXIT_USAGE },
    () => "Invalid verbosity",
  ),
  transport,
  integerOption(
    {
      letter: "",
      name: "promote-hits",
      help: [
        "hits that make an item worth keeping: 1 (default), or 2 where",
        "clients read back what they have just set",
      ],
    },
    "promoteHits",
    { argument: "num", least: 1, most: PROMOTE_HITS_MAX, exitCode: EXIT_USAGE },
    () => "Invalid number of hits",
  ),
  adminListen,
  textOption(
    {
      letter: "",
      name: "admin-token-file",
      help: ["file whose first line is the token for changes over admin HTTP"],
    },
    "adminTokenFile",
    "file",
    "a path",
  ),
  textOption(
    {
      letter: "",
      name: "admin-hosts",
      help: ["further host names admin HTTP answers to, separated by commas"],
    },
    "adminHosts",
    "list",
    "host names, or *",
  ),
  textOption(
    {
      letter: "",
      name: "admin-audit-file",
      help: ["file for the record of changes over admin HTTP (default: the log)"],
    },
    "adminAuditFile",
    "file",
    "a path",
  ),
  ...CLUSTER_OPTIONS,
  configFile,
  switchOption(
    {
      letter: "",
      name: "memory-file-on-disk",
      help: ["take a file for -e that is written back to a disk, which stalls requests"],
    },
    "memoryFileOnDisk",
    true,
  ),
  textOption(
    {
      letter: "",
      name: "persistence-dir",
      help: ["where to keep items over a restart: not done yet, a warning says so"],
    },
    "persistenceDir",
    "dir",
    "a path",
  ),
  memcachedDir,
  wishOption(
    { letter: "", name: "check-config", help: ["check every option and exit"] },
    "check-config",
  ),
  wishOption(
    {
      letter: "",
      name: "print-config",
      help: ["print what the options come to, as a configuration file, and exit"],
    },
    "print-config",
  ),
  completion,
];

/** Every option by its long name and aliases. */
export const OPTION_BY_NAME: ReadonlyMap<string, Option> = new Map(
  OPTIONS.flatMap((option) =>
    [option.name, ...(option.aliases ?? [])].map((name) => [name, option] as const),
  ),
);

/** Every option by its letter. */
export const OPTION_BY_LETTER: ReadonlyMap<string, Option> = new Map(
  OPTIONS.filter((option) => option.letter !== "").map((option) => [option.letter, option]),
);

/** What only a command line can ask for. */
export const ASKED_ON_COMMAND_LINE: ReadonlySet<string> = new Set([
  "help",
  "license",
  "version",
  "check-config",
  "print-config",
  "completion",
]);

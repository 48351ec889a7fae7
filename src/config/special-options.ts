/**
 * The options with rules of their own: sizes, lists, words, and those whose bounds memcached words
 * in its own way. The plain numbers, switches and paths are rows in options.ts.
 */
import { MIB } from "../base/unit.ts";
import { type ListenEntry, listenEntriesFrom, listenText } from "./listen.ts";
import { choiceOption, EXIT_FAILURE, EXIT_USAGE, type Option, SHELLS } from "./option.ts";
import {
  ADMIN_LISTEN_NONE,
  ITEM_BYTES_MAX_LEAST,
  type ProtocolChoice,
  THREADS_MAX,
  type TransportChoice,
} from "./settings.ts";
import { applySuboptions, shownSuboptions } from "./suboptions.ts";
import { decimalFrom, integerFrom, octalFrom, sizeFrom, sizeText } from "./values.ts";

/** Above this memcached warns, and so do we. */
const THREADS_ADVISED_MAX = 64;

const PROTOCOLS: readonly ProtocolChoice[] = ["auto", "ascii", "binary"];
const TRANSPORTS: readonly TransportChoice[] = ["auto", "native", "epoll", "uring", "node"];

export const unixMask: Option = {
  letter: "a",
  name: "unix-mask",
  argument: "mask",
  help: ["access mask for UNIX socket, in octal (default: 700)"],
  apply(draft, text) {
    const mask = octalFrom(text);
    if (mask === null) {
      return { complaint: "Invalid access mask", allowed: "0 to 7777 in octal", exitCode: 64 };
    }
    draft.unixMask = mask;
    return null;
  },
  shown: (settings) => settings.unixMask.toString(8),
};

export const listen: Option = {
  letter: "l",
  name: "listen",
  aliases: ["memcached-server"],
  argument: "addr",
  help: [
    "interface to listen on (default: 127.0.0.1, this machine only;",
    "* is every interface). Lists and repeated -l add up",
  ],
  apply(draft, text) {
    const entries = listenEntriesFrom(text);
    if (typeof entries === "string") {
      const allowed = "<address>[:<port>], [<IPv6>]:<port> or *, separated by commas";
      return { complaint: entries, allowed, exitCode: 71 };
    }
    draft.listenEntries.push(...entries);
    draft.listenText = draft.listenText === "" ? text : `${draft.listenText},${text}`;
    return null;
  },
  shown: (settings) => settings.listen.map(listenText).join(","),
};

export const memoryLimit: Option = {
  letter: "m",
  name: "memory-limit",
  aliases: ["memory-size"],
  argument: "num",
  help: ["item memory in megabytes (default: 64), or with a unit: 512m, 4g"],
  apply(draft, text) {
    const bytes = sizeFrom(text, MIB);
    if (bytes === null || bytes < MIB) {
      const allowed = "1 or more megabytes, or a size such as 64m or 1g";
      return { complaint: "Invalid item memory", allowed, exitCode: EXIT_USAGE };
    }
    draft.memoryBytes = bytes;
    return null;
  },
  shown: (settings) => sizeText(settings.memoryBytes),
};

/** Each -v adds one; a file's `verbose = no` silences. */
export const verbose: Option = {
  letter: "v",
  name: "verbose",
  argument: "",
  help: ["verbose (print errors/warnings while in event loop)"],
  apply(draft, text) {
    draft.verbosity = text === "yes" ? draft.verbosity + 1 : 0;
    return null;
  },
  shown: () => null, // `verbosity` says it better
};

export const growthFactor: Option = {
  letter: "f",
  name: "slab-growth-factor",
  argument: "num",
  help: ["accepted for memcached's sake: slabs are a log here,", "there are no size classes"],
  apply(draft, text) {
    const factor = decimalFrom(text);
    if (factor === null || factor <= 1) {
      const complaint = "Factor must be greater than 1";
      return { complaint, allowed: "a number above 1, such as 1.25", exitCode: EXIT_FAILURE };
    }
    draft.growthFactor = factor;
    return null;
  },
  shown: (settings) => String(settings.growthFactor),
};

export const prefixDelimiter: Option = {
  letter: "D",
  name: "prefix-delimiter",
  argument: "char",
  help: [
    "delimiter between key prefixes and IDs, for stats detail (default: :);",
    "switches it on",
  ],
  apply(draft, text) {
    if (text.length !== 1) {
      const complaint = text === "" ? "No delimiter specified" : "Delimiter too long";
      return { complaint, allowed: "one character", exitCode: EXIT_FAILURE };
    }
    draft.prefixDelimiter = text;
    draft.detailEnabled = true;
    return null;
  },
  shown: (settings) => (settings.detailEnabled ? settings.prefixDelimiter : null),
};

export const threads: Option = {
  letter: "t",
  name: "threads",
  argument: "num",
  help: ["number of threads to use (default: one for each core)"],
  apply(draft, text) {
    const count = integerFrom(text, 1, THREADS_MAX);
    if (count === null) {
      const complaint = "Number of threads must be greater than 0";
      return { complaint, allowed: `1 to ${THREADS_MAX}`, exitCode: EXIT_FAILURE };
    }
    if (count > THREADS_ADVISED_MAX) {
      draft.warnings.push(
        "WARNING: Setting a high number of workerthreads is not recommended.\n" +
          " Set this value to the number of cores in your machine or less.",
      );
    }
    draft.threads = count;
    return null;
  },
  shown: (settings) => String(settings.threads),
};

export const itemBytesMax: Option = {
  letter: "I",
  name: "max-item-size",
  argument: "num",
  help: ["adjusts max item size", "(default: 1m, min: 1k, max: 1024m)"],
  apply(draft, text) {
    const bytes = sizeFrom(text, 1);
    if (bytes === null || bytes < ITEM_BYTES_MAX_LEAST) {
      const complaint = "Item max size cannot be less than 1024 bytes.";
      return { complaint, allowed: "1k to 1024m, at most half of -m", exitCode: EXIT_USAGE };
    }
    draft.itemBytesMax = bytes; // the upper bounds depend on -m: config/validate.ts
    return null;
  },
  shown: (settings) => sizeText(settings.itemBytesMax),
};

export const protocol = choiceOption(
  {
    letter: "B",
    name: "protocol",
    argument: "name",
    help: ["protocol - one of ascii, binary, or auto (default: auto-negotiate)"],
  },
  PROTOCOLS,
  (text) =>
    `Invalid value for binding protocol: ${text} -- should be one of auto, binary, or ascii`,
  (draft, choice) => {
    draft.protocol = choice;
  },
  (settings) => settings.protocol,
);

export const transport = choiceOption(
  {
    letter: "",
    name: "transport",
    argument: "name",
    help: [
      "what serves the sockets: auto (default), native (in every worker, Linux:",
      "uring where the kernel has it, else epoll), uring, epoll, or node (node:net",
      "in the primary, everywhere)",
    ],
  },
  TRANSPORTS,
  (text) => `Unknown transport ${text}`,
  (draft, choice) => {
    draft.transport = choice;
  },
  (settings) => settings.transport,
);

export const extended: Option = {
  letter: "o",
  name: "extended",
  argument: "list",
  help: [
    "comma separated list of extended options; memcached's are all known,",
    "those that have an effect here: idle_timeout=<seconds>,",
    "no_maxconns_fast, read_buf_mem_limit=<megabytes>, track_sizes,",
    "no_lru_crawler, udp_multi_datagram, socket_threads=<num>, no_lending,",
    "busy_poll=<microseconds>, debug",
  ],
  apply: applySuboptions,
  shown: shownSuboptions,
};

/** admin/address.ts reads it. */
const ADMIN_SOCKET = /^unix:\/[^,]*(?:,mode=[0-7]{3,4})?$/;

export const adminListen: Option = {
  letter: "",
  name: "admin-listen",
  argument: "addr",
  help: [
    "address of the admin HTTP server: metrics, dashboard, API",
    "(default: 127.0.0.1:11280), unix:<path>[,mode=<octal>], or none",
  ],
  apply(draft, text) {
    const entries = listenEntriesFrom(text);
    const isAddress = typeof entries !== "string" && entries.length === 1 && hasPort(entries[0]);
    if (text !== ADMIN_LISTEN_NONE && !isAddress && !ADMIN_SOCKET.test(text)) {
      const allowed = "<address>:<port>, [<IPv6>]:<port>, unix:/<path>[,mode=<octal>], or none";
      return { complaint: "Invalid admin address", allowed, exitCode: EXIT_USAGE };
    }
    draft.adminListen = text;
    return null;
  },
  shown: (settings) => settings.adminListen,
};

function hasPort(entry: ListenEntry | undefined): boolean {
  return entry !== undefined && entry.port !== null;
}

export const configFile: Option = {
  letter: "",
  name: "config",
  argument: "file",
  help: [
    "read options from a file: `name = value` lines, or memcached's",
    "/etc/memcached.conf. Flags win over the environment, it over the file",
  ],
  apply(draft, text) {
    draft.configFile = text;
    return null;
  },
  shown: () => null,
};

export const memcachedDir: Option = {
  letter: "",
  name: "memcached-dir",
  argument: "dir",
  help: ["where a memcached is installed; accepted, nothing is looked up there"],
  apply: () => null,
  shown: () => null,
};

/** Like the other wishes, but it needs to know for which shell. */
export const completion = choiceOption(
  {
    letter: "",
    name: "completion",
    argument: "shell",
    help: ["print what makes bash, zsh or fish complete these options, and exit"],
  },
  SHELLS,
  (text) => `Unknown shell ${text}`,
  (draft, shell) => {
    draft.wish = "completion";
    draft.shell = shell;
  },
  () => null,
);

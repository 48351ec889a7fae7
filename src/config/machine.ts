/**
 * The machine against the settings: what it has not got is refused, or warned of, in one line before
 * anything is started.
 *
 * Item memory above the machine's is only warned of: it is touched as items come, and may be swapped.
 * Sixteen times as much is no wish but a slip, `-m` in bytes as a rule, and a start would go under in
 * threads that share it out.
 */
import { ConfigError } from "../base/errors.ts";
import { GIB, MIB } from "../base/unit.ts";
import { EXIT_USAGE } from "./option.ts";
import { type Settings, THREADS_MAX } from "./settings.ts";
import { sizeText } from "./values.ts";

/** What the process may use, as far as the system says. */
export interface Machine {
  /** Its memory, or less where a container's limit is lower. */
  readonly memoryBytes: number;
  /** The limit of its addresses (ulimit -v); Infinity where there is none. */
  readonly addressBytesMax: number;
}

/** More item memory than this many times the machine's is a slip of the pen. */
const ABSURD_TIMES = 16;
/** What the index and the slabs' heads take on top of -m (docs/tuning.md). */
const OVERHEAD_SHARE = 1 / 4;
const PROCESS_BYTES = 150 * MIB;
/** Measured: a thread's heap, code and stacks. */
const THREAD_BYTES = 17 * MIB;

/**
 * Addresses V8 must have for itself and for each thread, else it ends the process in its own words:
 * measured as the lowest `ulimit -v` it comes up with, Node 20 and 24 against 26.
 */
const ADDRESSES =
  Number.parseInt(process.versions.node, 10) >= 26
    ? { process: 1700 * MIB, thread: 850 * MIB }
    : { process: 1600 * MIB, thread: 620 * MIB };

/** Throws a ConfigError for what this machine cannot mean; gives what is only doubtful. */
export function checkMachine(settings: Settings, machine: Machine): string[] {
  const { memoryBytes, threads } = settings;
  if (memoryBytes > ABSURD_TIMES * machine.memoryBytes) {
    const meant = sizeText(Math.max(MIB, Math.floor(memoryBytes / MIB)));
    throw new ConfigError(
      `Invalid item memory (-m, --memory-limit: got "${sizeText(memoryBytes)}", allowed: ` +
        `what this machine has, ${roughly(machine.memoryBytes)}; ` +
        `a number without a unit counts megabytes: was -m ${meant} meant?)`,
      EXIT_USAGE,
    );
  }
  if (threads > THREADS_MAX) {
    throw new ConfigError(
      `Invalid item memory (-m, --memory-limit: got "${sizeText(memoryBytes)}", which takes ` +
        `${threads} threads, allowed: ${THREADS_MAX} threads)`,
      EXIT_USAGE,
    );
  }
  const addresses = ADDRESSES.process + threads * ADDRESSES.thread + memoryBytes;
  if (addresses > machine.addressBytesMax) {
    throw new ConfigError(
      `the limit of addresses is too low (ulimit -v: ${roughly(machine.addressBytesMax)}, ` +
        `-t ${threads} with -m ${sizeText(memoryBytes)} needs ${roughly(addresses)}): ` +
        "lift it, or lower -t or -m; what limits memory itself is a container's or a unit's limit",
      71,
    );
  }
  const needed = neededBytes(settings);
  if (needed <= machine.memoryBytes) return [];
  return [
    `WARNING: -m ${sizeText(memoryBytes)} with ${threads} threads needs about ${roughly(needed)} ` +
      `once it is full, and this machine (or container) has ${roughly(machine.memoryBytes)}`,
  ];
}

/** Resident bytes of a node that is full. */
function neededBytes({ memoryBytes, threads }: Settings): number {
  return memoryBytes * (1 + OVERHEAD_SHARE) + PROCESS_BYTES + threads * THREAD_BYTES;
}

/** `24 GB`, `1.5 GB`, `976 MB`. */
function roughly(bytes: number): string {
  if (bytes < GIB) return `${Math.round(bytes / MIB)} MB`;
  return `${(bytes / GIB).toFixed(1).replace(/\.0$/, "")} GB`;
}

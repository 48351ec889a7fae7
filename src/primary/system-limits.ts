/**
 * What the system must allow before we serve: descriptors for -c, core files for -r. All
 * by libc; where there is none (the node transport on other systems), Node has raised the
 * descriptor limit as far as it goes.
 */

import { ADMIN_CONNECTIONS_MAX, ADMIN_CONNECTIONS_MIN } from "../admin/http-connections.ts";
import { SystemError } from "../base/errors.ts";
import { ADMIN_LISTEN_NONE, type Settings } from "../config/settings.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { RLIMIT_CORE, RLIMIT_NOFILE } from "../libc/linux.ts";

/** Descriptors of the process itself: streams, libuv, listeners. */
const OWN_DESCRIPTORS = 64;
/** Of each thread: its event loop, its bell, its libuv. */
const DESCRIPTORS_PER_THREAD = 16;

const UINT32_SIZE = 2 ** 32;
/** RLIM_INFINITY: all bits set. */
const UNLIMITED = -1;
/** What it reads as, in a double. */
const UNLIMITED_READ = 2 ** 64;
const SOFT = 0;
const HARD = 8;
const RLIMIT_BYTES = 16;

/**
 * Raises what the settings need. Throws SystemError with memcached's words when the system refuses.
 */
export function raiseLimits(settings: Settings): void {
  if (!libcAvailable()) return;
  const libc = Libc.load();
  raiseDescriptors(libc, descriptorsOf(settings), descriptorsForAdmin(settings));
  if (settings.coreDumps) raiseCore(libc);
}

/** What the cache itself may have open at once. */
function descriptorsOf({ maxConnections, threads }: Settings): number {
  return maxConnections + OWN_DESCRIPTORS + DESCRIPTORS_PER_THREAD * threads;
}

function descriptorsForAdmin({ adminListen }: Settings): number {
  return adminListen === ADMIN_LISTEN_NONE ? 0 : ADMIN_CONNECTIONS_MAX;
}

/** Connections the admin server may have, so that it never takes the cache's descriptors. */
export function adminConnectionsMax(settings: Settings): number {
  if (!libcAvailable()) return ADMIN_CONNECTIONS_MAX;
  const spare = new Limit(Libc.load(), RLIMIT_NOFILE).soft - descriptorsOf(settings);
  return Math.max(ADMIN_CONNECTIONS_MIN, Math.min(ADMIN_CONNECTIONS_MAX, spare));
}

/** `wanted` is needed; `more` would be welcome. */
function raiseDescriptors(libc: Libc, wanted: number, more: number): void {
  const limit = new Limit(libc, RLIMIT_NOFILE);
  if (limit.soft >= wanted + more) return;
  if (limit.raise(wanted + more, Math.max(limit.hard, wanted + more))) return;
  const least = Math.max(wanted, Math.min(limit.hard, wanted + more));
  if (limit.raise(least, Math.max(limit.hard, least))) return;
  throw new SystemError(
    "failed to set rlimit for open files. " +
      "Try starting as root or requesting smaller maxconns value. " +
      `(-c, --conn-limit: needs ${wanted} descriptors, the system allows ${limit.hard})`,
  );
}

function raiseCore(libc: Libc): void {
  if (!new Limit(libc, RLIMIT_CORE).raise(UNLIMITED, UNLIMITED)) {
    const limit = new Limit(libc, RLIMIT_CORE); // only root may raise the hard one
    limit.raise(limit.hard, limit.hard);
  }
  if (new Limit(libc, RLIMIT_CORE).soft === 0) {
    throw new SystemError("failed to ensure corefile creation (-r): raise the hard limit of core");
  }
}

/** One of the system's limits, as it was when read; "no limit" reads as 2^64, more than any. */
class Limit {
  readonly soft: number;
  readonly hard: number;
  readonly #libc: Libc;
  readonly #resource: number;

  constructor(libc: Libc, resource: number) {
    this.#libc = libc;
    this.#resource = resource;
    libc.process.getrlimit(resource, libc.scratch.address(0, RLIMIT_BYTES));
    this.soft = this.#read(SOFT);
    this.hard = this.#read(HARD);
  }

  /** False when the system refuses. */
  raise(soft: number, hard: number): boolean {
    this.#write(SOFT, soft);
    this.#write(HARD, hard);
    const limits = this.#libc.scratch.address(0, RLIMIT_BYTES);
    return this.#libc.process.setrlimit(this.#resource, limits) === 0;
  }

  #read(offset: number): number {
    const words = this.#libc.scratch.arena.words;
    const low = words[offset >>> 2] as number;
    return (words[(offset >>> 2) + 1] as number) * UINT32_SIZE + low;
  }

  #write(offset: number, value: number): void {
    const words = this.#libc.scratch.arena.words;
    const bits = BigInt.asUintN(64, BigInt(value >= UNLIMITED_READ ? UNLIMITED : value));
    words[offset >>> 2] = Number(bits & 0xffff_ffffn);
    words[(offset >>> 2) + 1] = Number(bits >> 32n);
  }
}

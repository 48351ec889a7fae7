/**
 * Memory file (-e): shards, and what they mean nothing without, in a file on tmpfs that outlives
 * the process.
 *
 *   buffer 0   | control … io  | node | shards … |      buffer n   | shard |   when they do not fit
 *                anonymous       └──────┬───────┘                  └───┬───┘
 *   file              | head | node, shards …                      | shard | …
 *
 * Why only those: rings, sockets and sleep words lead to threads and descriptors of a process that
 * is gone. Why tmpfs: the kernel writes pages of a disk's file back every half minute and
 * write-protects each, which stalls writers for tens of milliseconds.
 *
 * What a killed process leaves is coherent while the machine stays up, since its pages are the
 * kernel's: a shard is then made whole by the recovery that follows a dead thread. After another
 * boot only a file that was stopped in order is taken. Anything that does not fit starts empty, and
 * the log says why.
 *
 * Invariants:
 *  - one process has the file, by flock, until it ends however it ends;
 *  - the file is 0600, of whom we serve as, and was not reached by a symbolic link.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { endianness } from "node:os";
import { ConfigError, SystemError } from "../base/errors.ts";
import { MIB } from "../base/unit.ts";
import { Libc, libcProblem } from "../libc/libc.ts";
import {
  LOCK_EX,
  LOCK_NB,
  MADV_DONTDUMP,
  MAP_FIXED,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from "../libc/linux.ts";
import type { Address } from "../libc/native-memory.ts";
import type { Arena } from "../memory/arena.ts";
import { NODE_LAYOUT_VERSION } from "../memory/node-header.ts";
import { SHARD_LAYOUT_VERSION } from "../memory/shard-plan.ts";
import type { Identity } from "./identity.ts";
import {
  decodeHead,
  encodeHead,
  type FileState,
  HEAD_BYTES,
  type Head,
} from "./memory-file-head.ts";
import type { MemoryPlan } from "./memory-plan.ts";

/** Filesystems that are memory: `f_type` of statfs. */
const MEMORY_FILESYSTEMS: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6]);
const BOOT_FILE = "/proc/sys/kernel/random/boot_id";
const FILE_MODE = 0o600;
const OPTION = "-e, --memory-file";
/** A clock that stands so far behind the file's says nothing of exptimes. */
export const BACK_SECONDS_MAX = 86_400;

/** A run of bytes of one buffer that lies in the file. */
interface Span {
  readonly arena: Arena;
  readonly base: number;
  readonly bytes: number;
}

export interface MemoryFileParts {
  readonly path: string;
  /** --memory-file-on-disk */
  readonly onDisk: boolean;
  /** Core files hold what is in it (-r). */
  readonly dumped: boolean;
  /** Whom we will serve as; null: as whom we are. */
  readonly identity: Identity | null;
  readonly plan: MemoryPlan;
  readonly arenas: readonly Arena[];
}

export class MemoryFile {
  readonly path: string;
  readonly #parts: MemoryFileParts;
  readonly #bytes: number;
  #coldReason: string;
  #found: Head | null;
  readonly #fd: number;
  readonly #plan: string;
  readonly #boot: string;
  #head: Head;

  /** Opens, locks and maps it. Throws ConfigError and SystemError. */
  constructor(parts: MemoryFileParts) {
    this.path = parts.path;
    this.#parts = parts;
    this.#fd = openFile(parts);
    this.#plan = planText(parts.plan);
    this.#boot = bootOf();
    const spans = spansOf(parts.plan, parts.arenas);
    this.#bytes = spans.reduce((sum, span) => sum + span.bytes, HEAD_BYTES);
    const { size } = fstatSync(this.#fd);
    const head = this.#readHead();
    this.#coldReason = this.#refusal(head, size);
    this.#found = this.#coldReason === "" && size > 0 ? head : null;
    this.#head = this.#found ?? emptyHead(this.#plan, this.#boot, head?.sequence ?? 0);
    if (this.#found === null) this.#clear();
    map(this.#fd, spans, parts);
  }

  /** What the file was left as, when what is in it is used. */
  get found(): Head | null {
    return this.#found;
  }

  /** Why what was in the file is not used; empty when it is, or when there was nothing. */
  get coldReason(): string {
    return this.#coldReason;
  }

  /** What is in the file is of no use: it is zeros again, mapped as it is. */
  discard(reason: string): void {
    this.#coldReason = reason;
    this.#found = null;
    this.#clear();
  }

  /** Writes down where the file stands. `facts`: what of the head is new. */
  mark(state: FileState, facts: Partial<Head> = {}): void {
    const sequence = this.#head.sequence + 1;
    const own = { sequence, state, boot: this.#boot, pid: process.pid, digest: "" };
    this.#head = { ...this.#head, ...own, ...facts };
    const { bytes, offset } = encodeHead(this.#head);
    writeSync(this.#fd, bytes, 0, bytes.length, offset);
  }

  /** Its process stops in order, and nothing is half done in it. */
  markClean(digest: string): void {
    fsyncSync(this.#fd); // of nothing on tmpfs
    this.mark("clean", { digest });
    fsyncSync(this.#fd);
  }

  #readHead(): Head | null {
    const bytes = Buffer.alloc(HEAD_BYTES);
    readSync(this.#fd, bytes, 0, HEAD_BYTES, 0);
    return decodeHead(bytes);
  }

  #refusal(head: Head | null, size: number): string {
    if (size === 0) return "";
    if (head === null) return "its head is damaged, or of another program";
    if (head.plan !== this.#plan) {
      return "it was made with another -m, -t or -I, by another version or on another machine";
    }
    if (size !== this.#bytes) return `it has ${size} bytes instead of ${this.#bytes}`;
    if (head.state === "formatting") return "its process ended before it served";
    if (head.boot !== this.#boot && head.state !== "clean") {
      return "the machine was started anew, and its process had not stopped in order";
    }
    return "";
  }

  /** Makes the file one of zeros. A tmpfs that runs full would end the process with SIGBUS. */
  #clear(): void {
    const { path, onDisk } = this.#parts;
    const bytes = this.#bytes;
    ftruncateSync(this.#fd, 0);
    const { bavail, bsize } = statfsSync(path);
    if (bavail * bsize < bytes && !onDisk) {
      const mib = (amount: number) => Math.ceil(amount / MIB);
      throw new SystemError(
        `${path} needs ${mib(bytes)} MiB, and its filesystem has ${mib(bavail * bsize)} MiB left ` +
          `(${OPTION}): lower -m, or mount a larger tmpfs`,
      );
    }
    this.mark("formatting");
    ftruncateSync(this.#fd, bytes);
  }
}

function openFile({ path, onDisk, identity }: MemoryFileParts): number {
  const problem = libcProblem();
  if (problem !== null) throw refused(path, `memory cannot be mapped here: ${problem}`);
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw refused(
      path,
      code === "ELOOP" ? "it is a symbolic link" : `it cannot be opened (${code})`,
    );
  }
  try {
    checkFile(fd, path, onDisk, identity);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function checkFile(fd: number, path: string, onDisk: boolean, identity: Identity | null): void {
  const stat = fstatSync(fd);
  if (!stat.isFile() || stat.nlink !== 1) throw refused(path, "it is not a plain file of one name");
  const own = process.geteuid?.() ?? stat.uid;
  if (stat.uid !== own && stat.uid !== identity?.uid) {
    throw refused(path, `it belongs to another user (${stat.uid})`);
  }
  if (!MEMORY_FILESYSTEMS.has(statfsSync(path).type) && !onDisk) {
    throw refused(
      path,
      "its filesystem writes back to a disk, which would stall requests: take one of tmpfs, " +
        "such as /dev/shm, or insist with --memory-file-on-disk",
    );
  }
  if (Libc.load().files.flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    throw refused(path, "another server has it: each needs a file of its own");
  }
  fchmodSync(fd, FILE_MODE);
  if (identity !== null) fchownSync(fd, identity.uid, identity.gid);
}

function refused(path: string, why: string): ConfigError {
  return new ConfigError(`memory file ${path}: ${why} (${OPTION}: got "${path}")`, 71);
}

/** What lies in the file, in its order. */
function spansOf(plan: MemoryPlan, arenas: readonly Arena[]): Span[] {
  const { node } = plan.layout;
  return plan.bufferBytes.map((end, index) => {
    const base = index === node.arena ? node.base : 0;
    return { arena: arenas[index] as Arena, base, bytes: end - base };
  });
}

function map(fd: number, spans: readonly Span[], { path, dumped }: MemoryFileParts): void {
  const libc = Libc.load();
  let offset = HEAD_BYTES;
  for (const { arena, base, bytes } of spans) {
    const at: Address = libc.memory(arena).address(base, bytes);
    const protection = PROT_READ | PROT_WRITE;
    const got = libc.mappings.mmap(at, bytes, protection, MAP_SHARED | MAP_FIXED, fd, offset);
    if (got !== at) throw refused(path, `it cannot be mapped (errno ${-got})`);
    if (!dumped) libc.mappings.madvise(at, bytes, MADV_DONTDUMP);
    offset += bytes;
  }
}

function planText({ layout, shardPlan, bufferBytes }: MemoryPlan): string {
  const versions = [NODE_LAYOUT_VERSION, SHARD_LAYOUT_VERSION, process.arch, endianness()];
  const shards = layout.shards.map(({ arena, base }) => [
    arena,
    arena === 0 ? base - layout.node.base : 0,
  ]);
  const facts = JSON.stringify([versions, shardPlan, shards, bufferBytes.slice(1)]);
  return createHash("sha256").update(facts).digest("hex");
}

function emptyHead(plan: string, boot: string, sequence: number): Head {
  const none = { hashSeedLow: 0, hashSeedHigh: 0, epochUnix: 0 };
  return { sequence, state: "formatting", plan, ...none, boot, pid: process.pid, digest: "" };
}

function bootOf(): string {
  try {
    return readFileSync(BOOT_FILE, "latin1").trim();
  } catch {
    return "unknown";
  }
}

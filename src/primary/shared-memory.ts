/**
 * The memory all threads share, allocated and formatted: what a worker is handed, and the primary's
 * own way into it.
 */
import { createHash, randomInt } from "node:crypto";
import { assert } from "../base/assert.ts";
import { SystemError } from "../base/errors.ts";
import { KIB, MIB } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { MLOCK_ONFAULT } from "../libc/linux.ts";
import { Arena } from "../memory/arena.ts";
import type { Control } from "../memory/control.ts";
import type { Counters } from "../memory/counters.ts";
import { NodeHeader } from "../memory/node-header.ts";
import { type NodeLayout, type NodeMemory, type Place, viewNode } from "../memory/node-layout.ts";
import { ShardMemory } from "../memory/shard-memory.ts";
import { holdsPlan, RESERVE_SLABS } from "../memory/shard-plan.ts";
import type { SharedPages } from "../memory/shared-pages.ts";
import { Store } from "../store/store.ts";
import type { Inheritance, TransportKind, WorkerData } from "../worker/messages.ts";
import type { Identity } from "./identity.ts";
import { BACK_SECONDS_MAX, MemoryFile } from "./memory-file.ts";
import { allocateBuffers, type MemoryPlan, planMemory } from "./memory-plan.ts";

const SEED_VALUES = 2 ** 32;
/** The smallest page of any system we run on. */
const PAGE_BYTES = 4 * KIB;

/** What the primary knows once it is about to serve, the same for every thread. */
export type SharedFacts = Pick<WorkerData, "bells" | "listeners">;

export class SharedMemory {
  /** The primary's views over all of it. */
  readonly regions: NodeMemory;
  /** False where cache lines are not ours: see memory/shared-pages.ts. */
  readonly isAligned: boolean;
  /** -e: what header and shards lie in; null: in memory that ends with the process. */
  readonly file: MemoryFile | null;
  #inherited: Inheritance = "nothing";
  readonly #plan: MemoryPlan;
  readonly #buffers: readonly SharedArrayBuffer[];
  readonly #arenas: readonly Arena[];
  readonly #settings: Settings;
  readonly #transport: TransportKind;

  /** `becomes`: -u's user. Throws ConfigError or SystemError when the memory cannot be had. */
  constructor(settings: Settings, transport: TransportKind, becomes: Identity | null = null) {
    this.#settings = settings;
    this.#transport = transport;
    this.#plan = planMemory(settings, transport);
    const pages = allocateBuffers(this.#plan.bufferBytes);
    if (libcAvailable()) pages.forEach(assertAligned);
    this.isAligned = pages.every(({ isAligned }) => isAligned);
    this.#buffers = pages.map(({ buffer }) => buffer);
    this.#arenas = this.#buffers.map((buffer) => new Arena(buffer));
    this.file = settings.memoryFile === "" ? null : this.#openFile(settings, becomes);
    if (!this.#attach()) this.#format();
    this.regions = viewNode(this.#plan.layout, this.#arenas);
    this.control.setDetailEnabled(settings.detailEnabled);
    this.control.setVerbosity(settings.verbosity);
    this.control.setCrawlerEnabled(settings.extended.lruCrawler);
    this.control.setMemlimitMib(Math.floor(settings.memoryBytes / MIB));
  }

  #openFile(settings: Settings, identity: Identity | null): MemoryFile {
    const { memoryFile: path, memoryFileOnDisk: onDisk, coreDumps: dumped } = settings;
    if (!this.isAligned) {
      const why = "memory lies off its pages, since addresses are limited (ulimit -v)";
      throw new SystemError(`memory file ${path}: ${why} (-e, --memory-file: got "${path}")`);
    }
    const [plan, arenas] = [this.#plan, this.#arenas];
    return new MemoryFile({ path, onDisk, dumped, identity, plan, arenas });
  }

  /** Takes what a process before us left in the file. False when there is nothing of use. */
  #attach(): boolean {
    const file = this.file;
    if (file === null || file.found === null) return false;
    const { node, shards, shardCount } = this.#plan.layout;
    const head = file.found;
    const arena = this.arena(node);
    const isWhole =
      NodeHeader.isAt(arena, node.base, { ...head, shardCount }) &&
      new NodeHeader(arena, node.base).epochUnix() === head.epochUnix &&
      shards.every((place) => holdsPlan(this.arena(place), place.base, this.#plan.shardPlan));
    const header = isWhole ? new NodeHeader(arena, node.base) : null;
    const ahead = header === null ? 0 : header.lastSecond() - (Date.now() / 1000 - head.epochUnix);
    if (header === null || ahead > BACK_SECONDS_MAX) {
      const why =
        header === null ? "its node or shard headers are damaged" : "the clock was set back";
      file.discard(why);
      return false;
    }
    header.beginNext();
    for (const { header: shard, plan } of this.#shardMemories()) {
      shard.setSlabLimit(plan.slabCount - RESERVE_SLABS);
    }
    const isClean = head.state === "clean" && head.digest === this.#digest();
    this.#inherited = isClean ? "clean" : "torn";
    return true;
  }

  #shardMemories(): ShardMemory[] {
    const { shards } = this.#plan.layout;
    return shards.map((place) => new ShardMemory(this.arena(place), place.base));
  }

  /** Of what leads to everything else: each shard's header and slab table. */
  #digest(): string {
    const { shards } = this.#plan.layout;
    const hash = createHash("sha256");
    for (const place of shards) {
      const { bytes } = this.arena(place);
      hash.update(bytes.slice(place.base, place.base + this.#plan.shardPlan.leaseOffset));
    }
    return hash.digest("hex");
  }

  /** What the shards were when this process took them. */
  get inherited(): Inheritance {
    return this.#inherited;
  }

  /** This process is at work in the file, from now on until it says otherwise. */
  markServing(): void {
    const { node } = this.regions;
    this.file?.mark("serving", {
      hashSeedLow: node.hashSeedLow(),
      hashSeedHigh: node.hashSeedHigh(),
      epochUnix: node.epochUnix(),
    });
  }

  /** Every thread has ended: the file is left clean, if nothing in it is half done. */
  markAtRest(): void {
    if (this.file === null || !this.#shardMemories().every(isAtRest)) return;
    const { slabCount } = this.#plan.shardPlan;
    for (const { header } of this.#shardMemories()) header.setSlabLimit(slabCount - RESERVE_SLABS);
    this.file.markClean(this.#digest());
  }

  #format(): void {
    const { node, shards, shardCount } = this.#plan.layout;
    NodeHeader.format(this.arena(node), node.base, {
      shardCount,
      hashSeedLow: randomInt(SEED_VALUES),
      hashSeedHigh: randomInt(SEED_VALUES),
    });
    for (const place of shards) {
      Store.format(this.arena(place), place.base, this.#plan.shardPlan);
    }
  }

  get control(): Control {
    return this.regions.control;
  }

  /**
   * Keeps this memory from being swapped out (-k). Not the whole process, as mlockall would: V8
   * ends it when it may not give back a page of its heap. False when the system refuses, or there
   * is no libc to ask.
   */
  lock(): boolean {
    if (!libcAvailable()) return false;
    const libc = Libc.load();
    return this.#plan.bufferBytes.every((bytes, i) => {
      const memory = libc.memory(this.#arenas[i] as Arena);
      return libc.mappings.mlock(memory.address(0, bytes), bytes, MLOCK_ONFAULT) === 0;
    });
  }

  /** Where everything lies. */
  get layout(): NodeLayout {
    return this.#plan.layout;
  }

  /** The primary's arena over a place. */
  arena(place: Place): Arena {
    return this.#arenas[place.arena] as Arena;
  }

  /** The primary's own counters. */
  get counters(): Counters {
    return this.regions.counters[this.layout.threads] as Counters;
  }

  /** What one thread is handed. */
  dataOf(self: number, incarnation: number, shared: SharedFacts): WorkerData {
    return {
      self,
      incarnation,
      inherited: this.#inherited,
      settings: this.#settings,
      transport: this.#transport,
      buffers: this.#buffers,
      layout: this.#plan.layout,
      bells: shared.bells,
      listeners: shared.listeners,
    };
  }
}

/** Asks the system where the memory truly lies, since offsets cannot tell. */
function assertAligned({ buffer, isAligned }: SharedPages): void {
  const address = Libc.load().memory(new Arena(buffer)).address(0, 1);
  assert(!isAligned || address % PAGE_BYTES === 0, "shared pages begin on a page");
}

/** True when nobody is in the middle of anything: no upload, no reader of a large item. */
function isAtRest({ header, leases }: ShardMemory): boolean {
  if (!header.isAtRest() || header.uploadSlabs() + header.orphanSlabs() > 0) return false;
  for (let index = 0; index < leases.count; index++) {
    if (leases.slab(index) >= 0) return false;
  }
  return true;
}

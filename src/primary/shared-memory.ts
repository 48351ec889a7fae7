/**
 * The memory all threads share, allocated and formatted: what a worker is handed, and the primary's
 * own way into it.
 */
import { randomInt } from "node:crypto";
import { assert } from "../base/assert.ts";
import { KIB, MIB } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { MLOCK_ONFAULT } from "../libc/linux.ts";
import { Arena } from "../memory/arena.ts";
import type { Control } from "../memory/control.ts";
import type { Counters } from "../memory/counters.ts";
import { NodeHeader } from "../memory/node-header.ts";
import { type NodeLayout, type NodeMemory, type Place, viewNode } from "../memory/node-layout.ts";
import type { SharedPages } from "../memory/shared-pages.ts";
import { Store } from "../store/store.ts";
import type { TransportKind, WorkerData } from "../worker/messages.ts";
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
  readonly #plan: MemoryPlan;
  readonly #buffers: readonly SharedArrayBuffer[];
  readonly #arenas: readonly Arena[];
  readonly #settings: Settings;
  readonly #transport: TransportKind;

  /** Throws ConfigError or SystemError when the memory cannot be had. */
  constructor(settings: Settings, transport: TransportKind) {
    this.#settings = settings;
    this.#transport = transport;
    this.#plan = planMemory(settings, transport);
    const pages = allocateBuffers(this.#plan.bufferBytes);
    if (libcAvailable()) pages.forEach(assertAligned);
    this.isAligned = pages.every(({ isAligned }) => isAligned);
    this.#buffers = pages.map(({ buffer }) => buffer);
    this.#arenas = this.#buffers.map((buffer) => new Arena(buffer));
    this.#format();
    this.regions = viewNode(this.#plan.layout, this.#arenas);
    this.control.setDetailEnabled(settings.detailEnabled);
    this.control.setVerbosity(settings.verbosity);
    this.control.setCrawlerEnabled(settings.extended.lruCrawler);
    this.control.setMemlimitMib(Math.floor(settings.memoryBytes / MIB));
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

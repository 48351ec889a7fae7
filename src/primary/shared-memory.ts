/**
 * The memory all threads share, allocated and formatted: what a worker is handed, and the primary's
 * own way into it.
 */
import { randomInt } from "node:crypto";
import { MIB } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import type { MemoryLayout, Place, TransportKind, WorkerData } from "../config/worker-data.ts";
import { Arena } from "../memory/arena.ts";
import { Control } from "../memory/control.ts";
import { COUNTERS_BYTES } from "../memory/counters.ts";
import { Store } from "../store/store.ts";
import { allocateBuffers, type MemoryPlan, planMemory } from "./memory-plan.ts";

const SEED_VALUES = 2 ** 32;

/** What the primary knows once it is about to serve, the same for every thread. */
export type SharedFacts = Pick<WorkerData, "epochUnix" | "bells" | "listeners">;

export class SharedMemory {
  readonly control: Control;
  readonly #plan: MemoryPlan;
  readonly #buffers: readonly SharedArrayBuffer[];
  readonly #arenas: readonly Arena[];
  readonly #settings: Settings;
  readonly #transport: TransportKind;
  readonly #hashSeedLow = randomInt(SEED_VALUES);
  readonly #hashSeedHigh = randomInt(SEED_VALUES);

  /** Throws ConfigError or SystemError when the memory cannot be had. */
  constructor(settings: Settings, transport: TransportKind) {
    this.#settings = settings;
    this.#transport = transport;
    this.#plan = planMemory(settings, transport);
    this.#buffers = allocateBuffers(this.#plan.bufferBytes);
    this.#arenas = this.#buffers.map((buffer) => new Arena(buffer));
    const { control, shards } = this.#plan.layout;
    for (const place of shards) {
      Store.format(this.arena(place), place.base, this.#plan.shardPlan);
    }
    this.control = new Control(this.arena(control), control.base);
    this.control.setDetailEnabled(settings.detailEnabled);
    this.control.setVerbosity(settings.verbosity);
    this.control.setCrawlerEnabled(settings.extended.lruCrawler);
    this.control.setMemlimitMib(Math.floor(settings.memoryBytes / MIB));
  }

  /** Where everything lies. */
  get layout(): MemoryLayout {
    return this.#plan.layout;
  }

  /** The primary's arena over a place. */
  arena(place: Place): Arena {
    return this.#arenas[place.arena] as Arena;
  }

  /** Where a thread's counters begin. */
  countersBase(thread: number): number {
    return this.#plan.layout.counters.base + thread * COUNTERS_BYTES;
  }

  /** What one thread is handed. */
  dataOf(self: number, incarnation: number, shared: SharedFacts): WorkerData {
    return {
      self,
      incarnation,
      threadCount: this.#settings.threads,
      settings: this.#settings,
      transport: this.#transport,
      buffers: this.#buffers,
      layout: this.#plan.layout,
      hashSeedLow: this.#hashSeedLow,
      hashSeedHigh: this.#hashSeedHigh,
      epochUnix: shared.epochUnix,
      bells: shared.bells,
      listeners: shared.listeners,
    };
  }
}

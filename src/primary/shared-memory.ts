/**
 * The memory all threads share, allocated and formatted: what a worker is handed, and the primary's
 * own way into it.
 */
import { randomInt } from "node:crypto";
import { MIB } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import type { Place, TransportKind, WorkerData } from "../config/worker-data.ts";
import { Arena } from "../memory/arena.ts";
import { Control } from "../memory/control.ts";
import { Store } from "../store/store.ts";
import { allocateBuffers, type MemoryPlan, planMemory } from "./memory-plan.ts";

const SEED_VALUES = 2 ** 32;

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
      Store.format(this.#arenaOf(place), place.base, this.#plan.shardPlan);
    }
    this.control = new Control(this.#arenaOf(control), control.base);
    this.control.setVerbosity(settings.verbosity);
    this.control.setMemlimitMib(Math.floor(settings.memoryBytes / MIB));
  }

  /** What one thread is handed. */
  dataOf(
    self: number,
    incarnation: number,
    shared: { readonly epochUnix: number; readonly bells: readonly number[] },
  ): WorkerData {
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
    };
  }

  #arenaOf(place: Place): Arena {
    return this.#arenas[place.arena] as Arena;
  }
}

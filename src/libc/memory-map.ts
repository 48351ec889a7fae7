/**
 * MemoryMap: the NativeMemory of every arena a thread sends from. Almost all calls ask for the same
 * one.
 */
import type { Arena } from "../memory/arena.ts";
import type { Libc } from "./libc.ts";
import type { NativeMemory } from "./native-memory.ts";

export class MemoryMap {
  readonly #libc: Libc;
  readonly #known = new Map<Arena, NativeMemory>();
  readonly #homeArena: Arena;
  readonly #home: NativeMemory;

  constructor(libc: Libc, home: Arena) {
    this.#libc = libc;
    this.#homeArena = home;
    this.#home = libc.memory(home);
  }

  of(arena: Arena): NativeMemory {
    if (arena === this.#homeArena) return this.#home;
    const known = this.#known.get(arena);
    if (known !== undefined) return known;
    const memory = this.#libc.memory(arena); // alloc: once an arena
    this.#known.set(arena, memory);
    return memory;
  }
}

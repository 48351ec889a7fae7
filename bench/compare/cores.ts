/** Which processors serve and which generate: never the same ones, when there are at least two. */
import { availableParallelism } from "node:os";

export interface Cores {
  server: number[];
  generator: number[];
}

/** At most so many processors generate; the rest serves. */
const GENERATOR_CORES_MAX = 4;

/** Splits processors 0 … count - 1: the last ones, at most half of them, generate. */
export function splitCores(count: number = availableParallelism()): Cores {
  if (count < 2) return { server: [], generator: [] };
  const generators = Math.min(GENERATOR_CORES_MAX, Math.floor(count / 2));
  const all = Array.from({ length: count }, (_, core) => core);
  return { server: all.slice(0, count - generators), generator: all.slice(count - generators) };
}

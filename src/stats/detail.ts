/**
 * `stats detail dump`: what each key prefix was asked, over all threads, while `stats detail` was
 * on.
 *
 * A key of the binary protocol may hold line ends; in a prefix they are shown as %0D and %0A, so
 * that no client writes another's reply.
 */
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

const BREAKS_LINES = /[\0\r\n ]/g;

/** Emits whole lines: `PREFIX <prefix> get <n> hit <n> set <n> del <n>`. */
export function emitDetail(view: NodeView, emit: Emit): void {
  const merged = new Map<string, number[]>();
  const generation = view.control.resetGeneration() >>> 0;
  for (const observation of view.observations) {
    if (observation.generation() !== generation) continue; // reset, and its thread has seen nothing since
    observation.prefixes.forEach((prefix, counts) => {
      const known = merged.get(prefix);
      merged.set(
        prefix,
        counts.map((count, kind) => count + (known?.[kind] ?? 0)),
      );
    });
  }
  for (const [prefix, [get, hit, set, deleted]] of merged) {
    const shown = prefix.replace(BREAKS_LINES, encodeURIComponent);
    emit(`PREFIX ${shown} get ${get} hit ${hit} set ${set} del ${deleted}`, "");
  }
}

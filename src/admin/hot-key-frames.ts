/**
 * Hot-key lists as the API and the page show them, with a minute of history for the keys that lead.
 */
import type { SketchKind } from "../memory/observation.ts";
import { HOT_LISTS, hotKeys } from "../stats/hot-keys.ts";
import type { NodeView } from "../stats/node-view.ts";
import type { HotKeyFrame } from "./frame.ts";
import { round } from "./history.ts";
import { keyText } from "./text.ts";

/** Points of a sparkline. */
const SPARK_POINTS = 60;
/** Keys whose past is kept, of each list. */
const SPARK_KEYS = 32;
const LIST_KEYS = 20;

export type HotKeyRow = HotKeyFrame & { readonly spark: readonly number[] };

export class HotKeyFrames {
  readonly #view: NodeView;
  readonly #sparks: Map<string, number[]>[] = HOT_LISTS.map(() => new Map());

  constructor(view: NodeView) {
    this.#view = view;
  }

  /** Notes the leaders' rates: once every few seconds. */
  tick(): void {
    HOT_LISTS.forEach((_, kind) => {
      const sparks = this.#sparks[kind] as Map<string, number[]>;
      const leaders = hotKeys(this.#view, kind as SketchKind, SPARK_KEYS);
      const next = new Map<string, number[]>();
      for (const { key, rate } of leaders) {
        const id = key.toString("base64url");
        const past = sparks.get(id) ?? [];
        past.push(round(rate));
        if (past.length > SPARK_POINTS) past.shift();
        next.set(id, past);
      }
      this.#sparks[kind] = next;
    });
  }

  /** One list, the heaviest first. */
  list(kind: SketchKind, countMax = LIST_KEYS): HotKeyRow[] {
    return hotKeys(this.#view, kind, countMax).map((hot) => {
      const id = hot.key.toString("base64url");
      return {
        id,
        text: keyText(hot.key),
        rate: round(hot.rate),
        requests: round(hot.requests),
        bytes: round(hot.bytes),
        misses: round(hot.misses),
        writes: round(hot.writes),
        valueBytes: hot.valueBytes,
        neverStored: hot.neverStored,
        seenAgo: Math.max(0, this.#view.now() - hot.second),
        spark: this.#sparks[kind]?.get(id) ?? [],
      };
    });
  }
}

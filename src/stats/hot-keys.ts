/**
 * Hot keys: what the threads' sketches say together, and `stats hotkeys`.
 *
 *   STAT requests:1 user:1001        the key, URI-encoded as in metadump
 *   STAT requests:1:rate 5231.4      requests a second, faded over half a minute; bytes:… in bytes a second
 *
 * A key is handled by whatever thread has the connection, so its numbers are the sum over threads.
 * Ranks are upper bounds: the true rate lies between rank - error and rank.
 */
import { SketchKind } from "../memory/observation.ts";
import { SKETCH_RATE } from "../memory/sketch.ts";
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

/** One key and its rates a second. */
export interface HotKey {
  readonly key: Buffer;
  /** What the list is sorted by: requests, bytes or misses a second; of large values, bytes. */
  readonly rate: number;
  /** How much of `rate` may belong to keys that were here before. */
  readonly error: number;
  readonly requests: number;
  readonly bytes: number;
  readonly misses: number;
  readonly writes: number;
  /** Length of the value seen last. */
  readonly valueBytes: number;
}

/** The names of the lists, by `SketchKind`. */
export const HOT_LISTS = ["requests", "bytes", "misses", "largest", "prefixes"] as const;

/** A key that leads the node is among this many of each thread that serves it. */
const THREAD_SHARE = 2;
const THREAD_KEYS_MIN = 16;

/** The `countMax` heaviest keys of one list. */
export function hotKeys(view: NodeView, kind: SketchKind, countMax: number): HotKey[] {
  const merged = new Map<string, HotKey & { second: number }>();
  const rate = kind === SketchKind.largest ? 1 : SKETCH_RATE;
  const perThread = countMax * THREAD_SHARE + THREAD_KEYS_MIN;
  for (const observation of view.observations) {
    for (const entry of observation.sketches[kind]?.read(perThread) ?? []) {
      const name = entry.key.toString("latin1");
      const known = merged.get(name);
      const newer = known === undefined || entry.second >= known.second;
      const rank = entry.rank * rate;
      merged.set(name, {
        key: entry.key,
        rate:
          kind === SketchKind.largest
            ? Math.max(known?.rate ?? 0, rank)
            : rank + (known?.rate ?? 0),
        error: entry.error * rate + (known?.error ?? 0),
        requests: entry.requests * SKETCH_RATE + (known?.requests ?? 0),
        bytes: entry.bytes * SKETCH_RATE + (known?.bytes ?? 0),
        misses: entry.misses * SKETCH_RATE + (known?.misses ?? 0),
        writes: entry.writes * SKETCH_RATE + (known?.writes ?? 0),
        valueBytes: newer ? entry.valueBytes : (known?.valueBytes ?? 0),
        second: Math.max(entry.second, known?.second ?? 0),
      });
    }
  }
  const sorted = [...merged.values()].sort((a, b) => b.rate - a.rate);
  return sorted.slice(0, countMax);
}

/** Keys `stats hotkeys` prints of each list. */
const PRINTED_KEYS = 20;
const DIGITS = 1;

/** Bytes that stay as they are in a URI-encoded key: letters, digits, `-._~`. */
const PLAIN = /[A-Za-z0-9\-._~]/;

/** A key as metadump and watch print it: every other byte is %XX. */
function uriEncode(key: Uint8Array): string {
  let text = "";
  for (const byte of key) {
    const char = String.fromCharCode(byte);
    text += PLAIN.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/** `stats hotkeys`, all lists, or only the one named. */
export function emitHotKeys(view: NodeView, only: string, emit: Emit): void {
  HOT_LISTS.forEach((list, index) => {
    if (only !== "" && only !== list) return;
    hotKeys(view, index as SketchKind, PRINTED_KEYS).forEach((hot, place) => {
      const name = `${list}:${place + 1}`;
      emit(name, uriEncode(hot.key));
      emit(`${name}:rate`, hot.rate.toFixed(DIGITS));
      emit(`${name}:requests`, hot.requests.toFixed(DIGITS));
      emit(`${name}:bytes`, hot.bytes.toFixed(DIGITS));
      emit(`${name}:misses`, hot.misses.toFixed(DIGITS));
      emit(`${name}:writes`, hot.writes.toFixed(DIGITS));
      emit(`${name}:value_bytes`, hot.valueBytes);
    });
  });
}

/**
 * Hot keys: what the threads' sketches say together, and `stats hotkeys`.
 *
 *   STAT requests:1 user:1001        the key, URI-encoded as in metadump
 *   STAT requests:1:rate 5231.4      requests a second, faded over half a minute; bytes:… in bytes a second
 *   STAT largest:1:value_bytes 60000 a size is no rate: the list of the largest has none, and sizes do not fade
 *   STAT largest:1:seen_ago 12       seconds since a request named the key
 *
 * A key is handled by whatever thread has the connection, so its numbers are the sum over threads;
 * its size is the one seen last by any of them. A key that was only incremented, touched or deleted
 * has no known size. Ranks are upper bounds: the true rate lies between rank - error and rank.
 */
import { SketchKind } from "../memory/observation.ts";
import { type SketchEntry, sketchRate, VALUE_UNKNOWN } from "../memory/sketch.ts";
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

/** One key and its rates a second. */
export interface HotKey {
  readonly key: Buffer;
  /** What the list is sorted by: requests, bytes or misses a second; of large values, the size. */
  readonly rate: number;
  /** How much of `rate` may belong to keys that were here before. */
  readonly error: number;
  readonly requests: number;
  readonly bytes: number;
  readonly misses: number;
  readonly writes: number;
  /** Length of the value as seen last; null when none was. */
  readonly valueBytes: number | null;
  /** Server second in which a request named it last. */
  readonly second: number;
  /** Of the list of misses: nobody stores it, and no read has found it, as far as samples tell. */
  readonly neverStored: boolean;
}

/** The names of the lists, by `SketchKind`. */
export const HOT_LISTS = ["requests", "bytes", "misses", "largest", "prefixes"] as const;

/** A key that leads the node is among this many of each thread that serves it. */
const THREAD_SHARE = 2;
const THREAD_KEYS_MIN = 16;

/**
 * Misses of a key that must have been looked at before it is said that nobody stores it. A key that
 * is stored after each miss has as many stores: that none of them was among as many samples is as
 * good as impossible.
 */
const NEVER_STORED_SAMPLES = 16;
/** What sums of the same numbers in another order may differ by. */
const ROUNDING = 1e-6;

/** A key while what the threads say of it is put together. */
interface Seen extends HotKey {
  /** Its misses that were looked at. */
  readonly samples: number;
}

/** The `countMax` heaviest keys of one list. */
export function hotKeys(view: NodeView, kind: SketchKind, countMax: number): HotKey[] {
  const merged = new Map<string, Seen>();
  const perThread = countMax * THREAD_SHARE + THREAD_KEYS_MIN;
  for (const observation of view.observations) {
    const began = observation.began();
    const perSecond = sketchRate(began === 0 ? 1 : view.now() - began + 1);
    for (const entry of observation.sketches[kind]?.read(perThread) ?? []) {
      const name = entry.key.toString("latin1");
      const seen = seenOf(entry, kind, observation.period(), perSecond);
      const known = merged.get(name);
      merged.set(name, known === undefined ? seen : joined(known, seen, kind));
    }
  }
  const sorted = [...merged].sort(([, a], [, b]) => b.rate - a.rate).slice(0, countMax);
  const written = kind === SketchKind.misses ? writtenKeys(view, perThread) : new Set<string>();
  return sorted.map(([name, { samples, ...hot }]) => {
    const neverStored = hot.neverStored && samples >= NEVER_STORED_SAMPLES && !written.has(name);
    return { ...hot, neverStored };
  });
}

/** Keys that some thread stores: another may be the one that misses them. */
function writtenKeys(view: NodeView, perThread: number): Set<string> {
  const written = new Set<string>();
  for (const { sketches } of view.observations) {
    for (const entry of sketches[SketchKind.requests]?.read(perThread) ?? []) {
      if (entry.writes > 0) written.add(entry.key.toString("latin1"));
    }
  }
  return written;
}

/** What one thread says of a key. */
function seenOf(entry: SketchEntry, kind: SketchKind, period: number, perSecond: number): Seen {
  const { requests, misses, writes } = entry;
  const rate = kind === SketchKind.largest ? 1 : perSecond;
  const onlyMissed = writes === 0 && requests <= misses * (1 + ROUNDING);
  return {
    key: entry.key,
    rate: entry.rank * rate,
    error: entry.error * rate,
    requests: requests * perSecond,
    bytes: entry.bytes * perSecond,
    misses: misses * perSecond,
    writes: writes * perSecond,
    valueBytes: entry.valueBytes === VALUE_UNKNOWN ? null : entry.valueBytes,
    second: entry.second,
    neverStored: kind === SketchKind.misses && onlyMissed,
    samples: misses / Math.max(1, period),
  };
}

/** What two threads say of one key: rates add up, a size is the newest. */
function joined(a: Seen, b: Seen, kind: SketchKind): Seen {
  const [newer, older] = b.second >= a.second ? [b, a] : [a, b];
  return {
    key: newer.key,
    rate: kind === SketchKind.largest ? newer.rate : a.rate + b.rate,
    error: a.error + b.error,
    requests: a.requests + b.requests,
    bytes: a.bytes + b.bytes,
    misses: a.misses + b.misses,
    writes: a.writes + b.writes,
    valueBytes: newer.valueBytes ?? older.valueBytes,
    second: newer.second,
    neverStored: a.neverStored && b.neverStored,
    samples: a.samples + b.samples,
  };
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
      if (index !== SketchKind.largest) emit(`${name}:rate`, hot.rate.toFixed(DIGITS));
      emit(`${name}:requests`, hot.requests.toFixed(DIGITS));
      emit(`${name}:bytes`, hot.bytes.toFixed(DIGITS));
      emit(`${name}:misses`, hot.misses.toFixed(DIGITS));
      emit(`${name}:writes`, hot.writes.toFixed(DIGITS));
      if (hot.valueBytes !== null) emit(`${name}:value_bytes`, hot.valueBytes);
      emit(`${name}:seen_ago`, Math.max(0, view.now() - hot.second));
    });
  });
}

/**
 * GetBatch: plain gets that lie one behind the other in a connection's input, found and hashed
 * before the first is answered.
 *
 *   get k1 k2 k3\r\nget k4\r\nset …
 *   |   |  |  |     |   |     ^ end: what is no plain get is left for the parser
 *   begin of k1     begin of k4              where to go on parsing if that key is not answered: at its line when it is the
 *       ^  ^  ^         ^ start                line's first, else at the key itself
 *
 * Why: a key costs two trips to memory, its bucket and its item, one after the other. A processor
 * has a dozen such trips under way at once if nobody makes it wait for the first; and a key found
 * here needs no second look at its bytes.
 *
 * Plain arrays of numbers, one entry a key, filled again and again; places are counted from
 * `origin`, so that they fit 32 bits wherever the input lies.
 */

/** Keys of one batch: what they lead to stays in the first-level cache until it is read. */
export const BATCH_KEYS_MAX = 64;

/** Bits of `marks`. */
export const BatchMark = {
  /** The first key of its request. */
  first: 1,
  /** The last one: its reply ends with END. */
  last: 2,
  /** gets: the CAS is printed. */
  withCas: 4,
  /** `mg <key> v`: a meta get of the value, and of nothing else. */
  meta: 8,
} as const;

export class GetBatch {
  origin = 0;
  count = 0;
  /** Where the input goes on behind the batch. */
  end = 0;
  readonly begins = new Int32Array(BATCH_KEYS_MAX);
  readonly starts = new Int32Array(BATCH_KEYS_MAX);
  readonly ends = new Int32Array(BATCH_KEYS_MAX);
  readonly lows = new Int32Array(BATCH_KEYS_MAX);
  readonly highs = new Int32Array(BATCH_KEYS_MAX);
  readonly marks = new Uint8Array(BATCH_KEYS_MAX);
  /** Where each key leads, while it is looked for (store/batch-finder.ts). */
  readonly shards = new Uint16Array(BATCH_KEYS_MAX);
  readonly buckets = new Int32Array(BATCH_KEYS_MAX);
  readonly entries = new Int32Array(BATCH_KEYS_MAX);
  readonly items = new Uint32Array(BATCH_KEYS_MAX);
  readonly versions = new Int32Array(BATCH_KEYS_MAX);
}

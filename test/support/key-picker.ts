/**
 * Keys for tests that must know where in the index a key belongs. Names are tried in their order,
 * so the same hash always gives the same keys.
 */
import type { KeyHash } from "../../src/base/key-hash.ts";
import { bucketOf, tagOf } from "../../src/memory/buckets.ts";

interface Place {
  readonly bucket: number;
  readonly tag: number;
}

function placeOf(hash: KeyHash, key: string, bucketCount: number): Place {
  const bytes = Buffer.from(key, "latin1");
  hash.update(bytes, 0, bytes.length);
  return { bucket: bucketOf(hash.low, bucketCount), tag: tagOf(hash.high) };
}

/** `count` keys of one bucket of an index of `bucketCount`, no two of the same tag. */
export function keysOfBucket(
  hash: KeyHash,
  bucket: number,
  bucketCount: number,
  count: number,
): string[] {
  const keys = new Map<number, string>();
  for (let i = 0; keys.size < count; i++) {
    const place = placeOf(hash, `key-${i}`, bucketCount);
    if (place.bucket === bucket && !keys.has(place.tag)) keys.set(place.tag, `key-${i}`);
  }
  return [...keys.values()];
}

/** Two keys, the one made by `first`, the other by `second`, that share bucket and tag. */
export function twins(
  hash: KeyHash,
  bucketCount: number,
  first: (serial: number) => string,
  second: (serial: number) => string,
): [string, string] {
  const firsts = new Map<number, string>();
  const seconds = new Map<number, string>();
  for (let i = 0; ; i++) {
    for (const [key, mine, others] of [
      [first(i), firsts, seconds],
      [second(i), seconds, firsts],
    ] as const) {
      const { bucket, tag } = placeOf(hash, key, bucketCount);
      const place = tag * bucketCount + bucket;
      const other = others.get(place);
      if (other !== undefined) return mine === seconds ? [other, key] : [key, other];
      mine.set(place, key);
    }
  }
}

/**
 * `count` keys of which no two share bucket and tag in an index of `bucketCount`, nor when it has
 * grown.
 */
export function strangers(hash: KeyHash, bucketCount: number, count: number): string[] {
  const keys = new Map<number, string>();
  for (let i = 0; keys.size < count; i++) {
    const { bucket, tag } = placeOf(hash, `key-${i}`, bucketCount);
    const place = tag * bucketCount + bucket;
    if (!keys.has(place)) keys.set(place, `key-${i}`);
  }
  return [...keys.values()];
}

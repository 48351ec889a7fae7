/**
 * Key browser: pages through the keys of all shards, straight from shared memory, a bounded number
 * of buckets a call.
 *
 *   cursor "shard.bucket"   where the next page begins; a page ends when it is full or when enough buckets were looked at
 *
 * Nothing is locked and no worker is asked: a page may show a key twice, or miss one stored
 * meanwhile, as every dump does. A page that looked at many buckets and found little is returned as
 * it is: the caller goes on with its cursor.
 */
import { ItemMark, Reply } from "../command/reply.ts";
import { BUCKET_ENTRIES } from "../memory/shard-plan.ts";
import type { NodeView } from "../stats/node-view.ts";
import { QUEUE_CLASS_NAMES } from "../stats/shard-gauges.ts";
import type { StoreReader } from "../store/store-reader.ts";
import { keyText } from "./text.ts";

export const KEYS_PER_PAGE_MAX = 500;
/** Buckets looked at for one page: 20 ms of the primary at most. */
const BUCKETS_PER_PAGE = 50_000;
/** Looks at the clock once in this many buckets. */
const BUCKETS_PER_SLICE = 512;
const PAGE_MILLISECONDS_MAX = 20;

/** One key of a page. */
export interface KeyRow {
  /** base64url of the key's bytes: its name in the API. */
  readonly id: string;
  readonly text: string;
  readonly shard: number;
  readonly queue: string;
  readonly valueBytes: number;
  readonly totalBytes: number;
  /** Seconds to live; -1 is for ever. */
  readonly ttl: number;
  /** Seconds since it was read or stored last. */
  readonly accessedAgo: number;
  readonly fetched: boolean;
  readonly stale: boolean;
  readonly clientFlags: number;
}

export interface KeyPage {
  readonly keys: readonly KeyRow[];
  /** Where to go on; empty when all shards have been walked. */
  readonly cursor: string;
  /** Share of all buckets walked before the cursor. */
  readonly progress: number;
}

export class KeyBrowser {
  readonly #view: NodeView;
  readonly #readers: readonly StoreReader[];
  readonly #reply = new Reply(new Uint8Array(0));

  constructor(view: NodeView, readers: readonly StoreReader[]) {
    this.#view = view;
    this.#readers = readers;
  }

  /**
   * The next keys that begin with `prefix`, after `cursor` (empty: from the start). Null for a
   * cursor that is none.
   */
  page(prefix: Buffer, cursor: string, limit: number): KeyPage | null {
    const place = parseCursor(cursor);
    if (place === null || !this.#exists(place)) return null;
    const keys: KeyRow[] = [];
    const stop = performance.now() + PAGE_MILLISECONDS_MAX;
    let { shard, bucket } = place;
    for (let looked = 0; looked < BUCKETS_PER_PAGE && keys.length < limit; looked++) {
      const reader = this.#readers[shard];
      if (reader === undefined) break;
      const owner = shard;
      bucket = reader.walk(bucket, this.#reply, (reply) => {
        const key = Buffer.from(
          reply.value.subarray(reply.keyStart, reply.keyStart + reply.keyBytes),
        );
        if (key.subarray(0, prefix.length).equals(prefix)) keys.push(this.#row(key, reply, owner));
      });
      if (bucket === 0) shard++;
      if (looked % BUCKETS_PER_SLICE === 0 && performance.now() > stop) break;
    }
    const done = shard >= this.#readers.length;
    const buckets = done ? 0 : (this.#view.shards[shard]?.indexRoom() ?? 0) / BUCKET_ENTRIES;
    return {
      keys,
      cursor: done ? "" : `${shard}.${bucket}`,
      progress: done ? 1 : (shard + bucket / Math.max(1, buckets)) / this.#readers.length,
    };
  }

  /** A shard's index only grows: a cursor of ours stays one. */
  #exists({ shard, bucket }: Place): boolean {
    if (shard === 0 && bucket === 0) return true; // the beginning, even of nothing
    if (shard >= this.#readers.length) return false;
    return bucket < (this.#view.shards[shard]?.indexRoom() ?? 0) / BUCKET_ENTRIES;
  }

  #row(key: Buffer, reply: Reply, shard: number): KeyRow {
    const now = this.#view.now();
    return {
      id: key.toString("base64url"),
      text: keyText(key),
      shard,
      queue: QUEUE_CLASS_NAMES[reply.queue - 1] ?? "small",
      valueBytes: reply.valueBytes,
      totalBytes: reply.totalBytes,
      ttl: reply.exptime === 0 ? -1 : reply.exptime - now,
      accessedAgo: Math.max(0, now - reply.accessed),
      fetched: (reply.marks & ItemMark.fetched) !== 0,
      stale: (reply.marks & ItemMark.stale) !== 0,
      clientFlags: reply.clientFlags,
    };
  }
}

interface Place {
  readonly shard: number;
  readonly bucket: number;
}

function parseCursor(cursor: string): Place | null {
  if (cursor === "") return { shard: 0, bucket: 0 };
  const match = /^(\d{1,4})\.(\d{1,10})$/.exec(cursor);
  return match === null ? null : { shard: Number(match[1]), bucket: Number(match[2]) };
}

/**
 * Shard plan: how one shard's region of shared memory is laid out. Computed once at start, written
 * into the region's header, read back by whoever attaches; nothing in the region is an address, so
 * it can be mapped from a file.
 *
 *   base                                                                                     base + regionBytes
 *   | header | slab table | leases | uploads | buckets, then overflow buckets | ghost | slab 0 | slab 1 | … |
 *     1 KiB    64 B/slab    8 B each  64 B      64 B each                       4 B     slabBytes each
 *
 *   header   word 0 magic · word 1 layout version · doubles 1…  the plan's own numbers · from byte 256 the shard's state
 *
 * Why a power of two for a slab: an item's slab is a shift of its reference. Why 128 slabs: fewer
 * cost hits (64 cost 3 % more misses than a perfect allocator, 16 cost 9 %), more cost nothing but
 * the walk over the slab table.
 *
 * Only the items count against `itemBytes`: what stands before the slabs comes on top, and costs
 * memory only once touched; so does the reserve, one slab more than `itemBytes` holds, which is
 * scratch for moving items.
 */
import { assert } from "../base/assert.ts";
import { ConfigError } from "../base/errors.ts";
import {
  CACHE_LINE_BYTES,
  compact,
  GIB,
  KIB,
  MIB,
  powerOfTwoAtLeast,
  powerOfTwoAtMost,
  roundUp,
} from "../base/unit.ts";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import type { Arena } from "./arena.ts";

const MAGIC = 0x64_72_68_73; // "shrd"
/** Grows with every change of what lies where. */
export const SHARD_LAYOUT_VERSION = 4;
const MAGIC_WORD = 0;
const VERSION_WORD = 1;
const PLAN_DOUBLE = 1;
/** The shard's state begins here (memory/shard-header.ts). */
export const STATE_OFFSET = 256;
const HEADER_BYTES = KIB;

const SLABS_WANTED = 128;
const SLAB_BYTES_MIN = 64 * KIB;
export const SLAB_BYTES_MAX = MIB;
/**
 * An item in a slab is copied to who asks for it, and when it survives its slab: a longer one is
 * not, but has a chain.
 */
export const SLAB_ITEM_BYTES_MAX = 512 * KIB;
const SLABS_MIN = 8;
/**
 * Free slabs that only the copying of survivors may take, so that evicting can never fail for want
 * of room.
 */
export const RESERVE_SLABS = 1;
const CHAIN_SLABS_COUNTED = 0xffff;
/** Slabs a single item may never take: the reserve, the two open ones, and one to turn over. */
const CHAIN_SPARE_SLABS = 4;
/** The first bytes of a slab stay empty, so that no item has reference 0. */
export const SLAB_HEAD_BYTES = 8;
/** An item's header; the drawing is in memory/items.ts. */
export const ITEM_HEADER_BYTES = 24;

/** Entries of one bucket. */
export const BUCKET_ENTRIES = 8;
const BUCKET_BYTES = CACHE_LINE_BYTES;
/** A bucket is split when there are more entries than this for each. */
export const BUCKET_LOAD = 6.4;
/**
 * The index is made for items of this size at `BUCKET_LOAD`; with smaller ones it fills up, then
 * overflows.
 */
const INDEX_ITEM_BYTES = 56;
const OVERFLOW_SHARE = 4;
/** The ghost has room for as many keys as the shard has items of this size. */
const GHOST_ITEM_BYTES = 64;
const LEASES = 4096;
const UPLOADS_MIN = 64;
const UPLOADS_MAX = 1024;
const LEASE_BYTES = 8;
export const UPLOAD_BYTES = CACHE_LINE_BYTES;
/** A typed array on Node 20 ends here. */
const REGION_BYTES_MAX = 4 * GIB;

/**
 * Sizes, counts, and offsets from the region's base. Plain numbers: the header keeps them in this
 * order.
 */
export interface ShardPlan {
  /** What the operator gave this shard, rounded down to whole slabs. */
  itemBytes: number;
  /** The largest item a client may store (-I), as memcached counts an item's size. */
  itemBytesMax: number;
  slabBytes: number;
  slabShift: number;
  slabCount: number;
  /**
   * An item that takes more than this is kept in a chain of slabs of its own: what fits a slab, and
   * a reply's scratch.
   */
  slabItemBytesMax: number;
  /** The longest chain. */
  chainSlabsMax: number;
  bucketsMax: number;
  overflowBuckets: number;
  ghostWords: number;
  leaseCount: number;
  uploadCount: number;
  slabTableOffset: number;
  leaseOffset: number;
  uploadOffset: number;
  bucketOffset: number;
  ghostOffset: number;
  itemOffset: number;
  regionBytes: number;
}

function tooSmall(itemBytes: number, itemBytesMax: number): ConfigError {
  const have = Math.floor(itemBytes / KIB);
  const want = Math.ceil(itemBytesMax / KIB);
  return new ConfigError(
    `item memory of ${have} KiB for each shard cannot hold an item of ${want} KiB: ` +
      "lower -I (item size limit) or --threads, or raise -m (memory)",
    64,
  );
}

/**
 * Lays out a shard of `itemBytes` of items, the largest of `itemBytesMax`. Throws ConfigError when
 * they do not fit.
 */
export function planShard(itemBytes: number, itemBytesMax: number): ShardPlan {
  const wanted = powerOfTwoAtMost(itemBytes / SLABS_WANTED);
  const slabBytes = Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_MIN, wanted));
  const slabCount = Math.floor(itemBytes / slabBytes) + RESERVE_SLABS;
  if (slabCount < SLABS_MIN) throw tooSmall(itemBytes, itemBytesMax);
  const chainBytes = ITEM_HEADER_BYTES + KEY_BYTES_MAX + itemBytesMax;
  const chainSlabsMax = Math.ceil(chainBytes / (slabBytes - SLAB_HEAD_BYTES));
  if (chainSlabsMax > slabCount - CHAIN_SPARE_SLABS) throw tooSmall(itemBytes, itemBytesMax);

  const bucketsMax = Math.ceil((slabCount * slabBytes) / (INDEX_ITEM_BYTES * BUCKET_LOAD));
  const overflowBuckets = Math.ceil(bucketsMax / OVERFLOW_SHARE);
  const ghostWords = powerOfTwoAtLeast((slabCount * slabBytes) / GHOST_ITEM_BYTES);
  const uploadCount = Math.min(UPLOADS_MAX, Math.max(UPLOADS_MIN, slabCount));
  const slabTableOffset = HEADER_BYTES;
  const leaseOffset = slabTableOffset + slabCount * CACHE_LINE_BYTES;
  const uploadOffset = leaseOffset + LEASES * LEASE_BYTES;
  const bucketOffset = uploadOffset + uploadCount * UPLOAD_BYTES;
  const ghostOffset = bucketOffset + (bucketsMax + overflowBuckets) * BUCKET_BYTES;
  const itemOffset = roundUp(ghostOffset + ghostWords * 4, 4 * KIB);
  const regionBytes = itemOffset + slabCount * slabBytes;
  if (regionBytes > REGION_BYTES_MAX) {
    throw new ConfigError(
      `item memory of ${Math.floor(itemBytes / MIB)} MiB for each shard is too much: with its index a shard ends ` +
        "at 4096 MiB, so raise --threads or lower -m (memory)",
      64,
    );
  }
  assert(slabCount <= CHAIN_SLABS_COUNTED, "the slabs of a chain are counted in 16 bits");
  return {
    itemBytes: (slabCount - RESERVE_SLABS) * slabBytes,
    itemBytesMax,
    slabBytes,
    slabShift: Math.log2(slabBytes),
    slabCount,
    slabItemBytesMax: Math.min(slabBytes - SLAB_HEAD_BYTES, SLAB_ITEM_BYTES_MAX),
    chainSlabsMax,
    bucketsMax,
    overflowBuckets,
    ghostWords,
    leaseCount: LEASES,
    uploadCount,
    slabTableOffset,
    leaseOffset,
    uploadOffset,
    bucketOffset,
    ghostOffset,
    itemOffset,
    regionBytes,
  };
}

const PLAN_FIELDS = Object.keys(
  planShard(SLABS_WANTED * SLAB_BYTES_MIN, MIB),
) as (keyof ShardPlan)[];
assert(8 * (PLAN_DOUBLE + PLAN_FIELDS.length) <= STATE_OFFSET, "the plan ends before the state");

/** Writes magic, version and plan at `base`. The rest of the region must be zero. */
export function writePlan(arena: Arena, base: number, plan: ShardPlan): void {
  assert(base % CACHE_LINE_BYTES === 0, "a region begins on a cache line");
  assert(base + plan.regionBytes <= arena.bytes.length, "the arena holds the region");
  PLAN_FIELDS.forEach((field, i) => {
    arena.doubles[base / 8 + PLAN_DOUBLE + i] = plan[field];
  });
  arena.words[base / 4 + VERSION_WORD] = SHARD_LAYOUT_VERSION;
  arena.words[base / 4 + MAGIC_WORD] = MAGIC;
}

/** The plan of the region at `base`; stops when there is none, or one of another layout. */
export function readPlan(arena: Arena, base: number): ShardPlan {
  assert(arena.words[base / 4 + MAGIC_WORD] === MAGIC, "a shard begins with its magic");
  assert(arena.words[base / 4 + VERSION_WORD] === SHARD_LAYOUT_VERSION, "a shard has our layout");
  const plan: Partial<ShardPlan> = {};
  PLAN_FIELDS.forEach((field, i) => {
    plan[field] = compact(arena.doubles[base / 8 + PLAN_DOUBLE + i] as number);
  });
  return plan as ShardPlan;
}

/** True when a shard of exactly that plan begins at `base`. */
export function holdsPlan(arena: Arena, base: number, plan: ShardPlan): boolean {
  return (
    arena.words[base / 4 + MAGIC_WORD] === MAGIC &&
    arena.words[base / 4 + VERSION_WORD] === SHARD_LAYOUT_VERSION &&
    PLAN_FIELDS.every((field, i) => arena.doubles[base / 8 + PLAN_DOUBLE + i] === plan[field])
  );
}

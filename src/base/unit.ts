/**
 * Brands for numbers that must not mix, and the few constants everybody counts in.
 * A brand costs nothing at run time: it is a number with a name the compiler checks.
 */
declare const unit: unique symbol;

/**
 * Where an item lies in its shard: the item's byte offset in the shard's item memory, divided by 8.
 * 0 is "none".
 */
export type ItemRef = number & { readonly [unit]: "ItemRef" };
/** 0 ≤ shard < shardCount. Worker i owns shard i. */
export type ShardIndex = number & { readonly [unit]: "ShardIndex" };
/** Seconds on the server's own clock, which starts at `SERVER_SECONDS_START`. 0 means "never". */
export type ServerSeconds = number & { readonly [unit]: "ServerSeconds" };

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const UINT32_MAX = 0xffff_ffff;
export const CACHE_LINE_BYTES = 64;

/**
 * The clock starts here, as memcached's does, so that 1 is always in the past and 0 can mean
 * "never".
 */
export const SERVER_SECONDS_START = 2 as ServerSeconds;
/**
 * An exptime that has passed whatever the clock says: a negative expiry from a client becomes this.
 */
export const SERVER_SECONDS_PAST = 1 as ServerSeconds;

/**
 * Where the byte at `offset` of an arena is in its views of two, four and eight bytes: whole
 * numbers below 2^31, which the engine keeps, adds and checks as small integers. A quotient may be
 * a double, and then every index made of it is one.
 */
export function halfIndex(offset: number): number {
  return offset >>> 1;
}

export function wordIndex(offset: number): number {
  return offset >>> 2;
}

export function doubleIndex(offset: number): number {
  return offset >>> 3;
}

/**
 * The same number, as a small integer if it is one. Why: V8 keeps the result of arithmetic on
 * doubles as a double, even where its value is an integer.
 */
export function compact(value: number): number {
  const small = value | 0;
  return small === value ? small : value;
}

/** The smallest multiple of `step` (a power of two) that is at least `value`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The smallest power of two that is at least `value`. */
export function powerOfTwoAtLeast(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** The largest power of two that is at most `value`. */
export function powerOfTwoAtMost(value: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, value)));
}

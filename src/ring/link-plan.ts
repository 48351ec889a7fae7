/**
 * Links: the memory between a thread that asks (the requester) and a thread that owns a shard (the
 * owner). One link for each ordered pair; requesters are the N workers and the primary (number N),
 * owners the N workers.
 *
 *           word 0              word 1        written by
 *   line 0  written                           requester    request ring: bytes published (request-ring.ts)
 *   line 1  consumed                          owner        request ring: bytes given back
 *   line 2  at                  started       owner        the record it works on, for its successor
 *   line 3  answered                          owner        reply ring: replies published (reply-ring.ts)
 *   line 4  taken                             requester    reply ring: replies read, for its successor
 *   line 5… request ring: ringBytes, then reply ring: replySlots of 64 bytes
 *
 * Why a link a pair: one producer and one consumer need no lock and no compare-and-swap. Why a line
 * an index: a line that two cores write travels between them at every write. All indexes run freely
 * through 32 bits and are masked when used, so full and empty differ without a spare slot.
 *
 * The link of a thread to its own shard is laid out and never touched: address space, not memory.
 */
import { assert } from "../base/assert.ts";
import { CACHE_LINE_BYTES, KIB, MIB, powerOfTwoAtMost } from "../base/unit.ts";

export const WRITTEN_OFFSET = 0 * CACHE_LINE_BYTES;
export const CONSUMED_OFFSET = 1 * CACHE_LINE_BYTES;
export const AT_OFFSET = 2 * CACHE_LINE_BYTES;
export const STARTED_OFFSET = AT_OFFSET + 4;
export const ANSWERED_OFFSET = 3 * CACHE_LINE_BYTES;
export const TAKEN_OFFSET = 4 * CACHE_LINE_BYTES;
export const LINK_HEADER_BYTES = 5 * CACHE_LINE_BYTES;

export const REPLY_SLOT_BYTES = CACHE_LINE_BYTES;
/**
 * A record takes at least 48 bytes; one slot for 128 lets the request ring fill first in most
 * loads.
 */
const RING_BYTES_PER_REPLY_SLOT = 128;

/** The smallest ring holds the largest record head and key, and a little of a value. */
export const RING_BYTES_MIN = 512;
const RING_BYTES_MAX = 1 * MIB;

/** All request rings together aim at this, so that many threads do not mean much memory. */
const RINGS_BYTES_AIM = 16 * MIB;
const RING_BYTES_USUAL_MIN = 4 * KIB;
const RING_BYTES_USUAL_MAX = 64 * KIB;

export interface LinkPlan {
  readonly requesters: number;
  readonly owners: number;
  readonly ringBytes: number;
  readonly replySlots: number;
  readonly linkBytes: number;
  readonly regionBytes: number;
}

/** The ring size for that many threads when nobody asks for another. */
export function usualRingBytes(requesters: number, owners: number): number {
  const share = powerOfTwoAtMost(RINGS_BYTES_AIM / (requesters * owners));
  return Math.min(RING_BYTES_USUAL_MAX, Math.max(RING_BYTES_USUAL_MIN, share));
}

/** Lays out the links of `requesters` threads to `owners` shards. `ringBytes` is a power of two. */
export function planLinks(requesters: number, owners: number, ringBytes: number): LinkPlan {
  assert(requesters >= 1 && owners >= 1, "a link has two ends");
  assert(ringBytes >= RING_BYTES_MIN && ringBytes <= RING_BYTES_MAX, "a ring has a sane size");
  assert((ringBytes & (ringBytes - 1)) === 0, "a ring's size is a power of two");
  const replySlots = ringBytes / RING_BYTES_PER_REPLY_SLOT;
  const linkBytes = LINK_HEADER_BYTES + ringBytes + replySlots * REPLY_SLOT_BYTES;
  assert(linkBytes % CACHE_LINE_BYTES === 0, "links keep lines aligned");
  return {
    requesters,
    owners,
    ringBytes,
    replySlots,
    linkBytes,
    regionBytes: requesters * owners * linkBytes,
  };
}

/** Byte offset, from the region's base, of the link from `requester` to `owner`. */
export function linkOffset(plan: LinkPlan, requester: number, owner: number): number {
  assert(requester >= 0 && requester < plan.requesters, "the requester is one of the threads");
  assert(owner >= 0 && owner < plan.owners, "the owner is one of the shards");
  return (requester * plan.owners + owner) * plan.linkBytes;
}

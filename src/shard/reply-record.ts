/**
 * Reply record: a Reply as it lies in a slot of a reply ring, and the only code that knows its
 * fields.
 *
 *   word 0 sequence + 1, the ring's (ring/reply-ring.ts)    1 status u8 | queue u8 | marks u16
 *        2 CAS low · 3 high    4 client flags    5 exptime    6 accessed    7 value bytes
 *        8 number low · 9 high    10 total bytes    11 handle    12 where a leased value begins
 *       13… free
 *
 * Values are not in it: the requester reads them from the shard's memory.
 */
import { assert } from "../base/assert.ts";
import type { ServerSeconds } from "../base/unit.ts";
import type { Reply } from "../command/reply.ts";
import type { Status } from "../command/status.ts";
import type { Arena } from "../memory/arena.ts";
import { REPLY_SLOT_BYTES } from "../ring/link-plan.ts";

const FIELDS_END = 13 * 4;

assert(FIELDS_END <= REPLY_SLOT_BYTES, "a reply fits its slot");

/** Writes the reply's fields behind the ring's own at `slot`. */
export function writeReply(arena: Arena, slot: number, reply: Reply): void {
  const words = arena.words;
  const word = slot >>> 2;
  assert(reply.marks <= 0xffff && reply.queue <= 0xff, "marks and queue fit their bits");
  words[word + 1] = reply.status | (reply.queue << 8) | (reply.marks << 16);
  words[word + 2] = reply.casLow;
  words[word + 3] = reply.casHigh;
  words[word + 4] = reply.clientFlags;
  words[word + 5] = reply.exptime;
  words[word + 6] = reply.accessed;
  words[word + 7] = reply.valueBytes;
  words[word + 8] = reply.numberLow;
  words[word + 9] = reply.numberHigh;
  words[word + 10] = reply.totalBytes;
  words[word + 11] = reply.handle;
  words[word + 12] = reply.valueStart;
}

/** Writes a reply that is nothing but its status. */
export function writeStatus(arena: Arena, slot: number, status: Status): void {
  const word = slot >>> 2;
  arena.words[word + 1] = status;
  arena.words.fill(0, word + 2, word + FIELDS_END / 4);
}

/** Fills `reply` from the slot. Key and value stay where the reply's reader finds them. */
export function readReply(arena: Arena, slot: number, reply: Reply): void {
  const words = arena.words;
  const word = slot >>> 2;
  const kinds = words[word + 1] as number;
  reply.status = (kinds & 0xff) as Status;
  reply.queue = (kinds >>> 8) & 0xff;
  reply.marks = kinds >>> 16;
  reply.casLow = words[word + 2] as number;
  reply.casHigh = words[word + 3] as number;
  reply.clientFlags = words[word + 4] as number;
  reply.exptime = words[word + 5] as ServerSeconds;
  reply.accessed = words[word + 6] as ServerSeconds;
  reply.valueBytes = words[word + 7] as number;
  reply.numberLow = words[word + 8] as number;
  reply.numberHigh = words[word + 9] as number;
  reply.totalBytes = words[word + 10] as number;
  reply.handle = words[word + 11] as number;
  reply.valueStart = words[word + 12] as number;
}

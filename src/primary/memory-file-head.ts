/**
 * Head of a memory file: what a next process must know before it looks at anything else in the
 * file.
 *
 *   byte 0            4096            8192
 *        | copy 0     | copy 1        | node header and shards, as they lie in memory …
 *
 *   copy | magic 8 B | bytes of the text, u32 LE | SHA-256 of the text, 32 B | the facts, as JSON |
 *
 * Why two copies: one is written while the other stays, in turns by `sequence`, so that a process
 * killed in the middle of a write leaves the older one whole. Why JSON: it is written three times
 * in a process's life, and `head -c 4096 FILE` tells an operator what the file is.
 */
import { createHash } from "node:crypto";
import { KIB } from "../base/unit.ts";

const COPY_BYTES = 4 * KIB;
const COPIES = 2;
export const HEAD_BYTES = COPIES * COPY_BYTES;

const MAGIC = Buffer.from("shrdmem1", "latin1");
const LENGTH_AT = MAGIC.length;
const DIGEST_AT = LENGTH_AT + 4;
const DIGEST_BYTES = 32;
const TEXT_AT = DIGEST_AT + DIGEST_BYTES;

/**
 * formatting: nothing in the file means anything yet. serving: a process is at work in it, or died
 * at it. clean: its process stopped in order.
 */
export type FileState = "formatting" | "serving" | "clean";

export interface Head {
  readonly sequence: number;
  readonly state: FileState;
  /** Everything the layout of the rest depends on, as one text: compared, never read. */
  readonly plan: string;
  readonly hashSeedLow: number;
  readonly hashSeedHigh: number;
  readonly epochUnix: number;
  /** The boot of the machine in which it was written. */
  readonly boot: string;
  readonly pid: number;
  /** Of `clean`: what the shards' headers and slab tables were. */
  readonly digest: string;
}

/** Writes one copy, and says where it belongs in the file. */
export function encodeHead(head: Head): { readonly bytes: Buffer; readonly offset: number } {
  const text = Buffer.from(JSON.stringify(head), "utf8");
  if (TEXT_AT + text.length > COPY_BYTES) throw new RangeError("a head fits its page");
  const bytes = Buffer.alloc(COPY_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(text.length, LENGTH_AT);
  digestOf(text).copy(bytes, DIGEST_AT);
  text.copy(bytes, TEXT_AT);
  return { bytes, offset: (head.sequence % COPIES) * COPY_BYTES };
}

/** The newer of the copies that are whole; null when neither is. */
export function decodeHead(bytes: Buffer): Head | null {
  let newest: Head | null = null;
  for (let copy = 0; copy < COPIES; copy++) {
    const head = decodeCopy(bytes.subarray(copy * COPY_BYTES, (copy + 1) * COPY_BYTES));
    if (head !== null && (newest === null || head.sequence > newest.sequence)) newest = head;
  }
  return newest;
}

function decodeCopy(bytes: Buffer): Head | null {
  if (bytes.length < COPY_BYTES || !bytes.subarray(0, LENGTH_AT).equals(MAGIC)) return null;
  const length = bytes.readUInt32LE(LENGTH_AT);
  if (length > COPY_BYTES - TEXT_AT) return null;
  const text = bytes.subarray(TEXT_AT, TEXT_AT + length);
  if (!digestOf(text).equals(bytes.subarray(DIGEST_AT, TEXT_AT))) return null;
  return JSON.parse(text.toString("utf8")) as Head;
}

function digestOf(text: Buffer): Buffer {
  return createHash("sha256").update(text).digest();
}

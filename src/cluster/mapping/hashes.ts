/**
 * The hash functions of memcached's clients, each to the bit as its clients have it. Keys are
 * bytes: latin1 strings here, one character a byte.
 */
import { createHash } from "node:crypto";

/** Reflected CRC-32. */
const CRC32_POLYNOMIAL = 0xedb8_8320;
const CRC32_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? CRC32_POLYNOMIAL ^ (crc >>> 1) : crc >>> 1;
  return crc >>> 0;
});
const FNV_32_OFFSET = 0x811c_9dc5;
const FNV_32_PRIME = 16_777_619;
/** The low halves of FNV's 64-bit offset and prime: twemproxy keeps 32 bits. */
const FNV_64_OFFSET_LOW = 0x8422_2325;
const FNV_64_PRIME_LOW = 0x1b3;

export function md5(text: string): Buffer {
  return createHash("md5").update(text, "latin1").digest();
}

/** Word `index` of an MD5, little-endian: what ketama makes points of. */
export function md5Word(digest: Buffer, index: number): number {
  return digest.readUInt32LE(4 * index);
}

/** The first word of a SHA-1, big-endian: dalli's points. */
export function sha1Word(text: string): number {
  return createHash("sha1").update(text, "latin1").digest().readUInt32BE(0);
}

export function crc32(text: string): number {
  let crc = 0xffff_ffff;
  for (let at = 0; at < text.length; at++) {
    crc = (CRC32_TABLE[(crc ^ text.charCodeAt(at)) & 255] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

/** Bob Jenkins' one-at-a-time: libmemcached's default. */
export function oneAtATime(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    hash = (hash + text.charCodeAt(at)) | 0;
    hash = (hash + (hash << 10)) | 0;
    hash ^= hash >>> 6;
  }
  hash = (hash + (hash << 3)) | 0;
  hash ^= hash >>> 11;
  return (hash + (hash << 15)) >>> 0;
}

/** String.hashCode of Java, signed. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  }
  return hash;
}

/** npm memcache's FNV-1a: a product of doubles, so that its low bits are lost now and then. */
export function fnv1aOfDoubles(text: string): number {
  let hash = FNV_32_OFFSET;
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at);
    hash = (hash * FNV_32_PRIME) | 0;
  }
  return hash;
}

/** twemproxy's fnv1a_64: 32 bits of it. */
export function fnv1a64Low(text: string): number {
  let hash = FNV_64_OFFSET_LOW;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_64_PRIME_LOW);
  }
  return hash >>> 0;
}

/** MurmurHash3, 32 bits, seed 0. */
export function murmur3(text: string): number {
  const bytes = Buffer.from(text, "latin1");
  const whole = bytes.length & ~3;
  let hash = 0;
  for (let at = 0; at < whole; at += 4) {
    hash ^= murmurMixed(bytes.readInt32LE(at));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe654_6b64) | 0;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | (bytes[at] as number);
  if (whole < bytes.length) hash ^= murmurMixed(tail);
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function murmurMixed(word: number): number {
  const mixed = Math.imul(word, 0xcc9e_2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b87_3593);
}

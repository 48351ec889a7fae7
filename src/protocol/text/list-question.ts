/**
 * The two ways to ask in text for the list of a cluster's nodes, where there is a cluster.
 *
 *   config get cluster               CONFIG cluster 0 <bytes>\r\n<list>\r\nEND\r\n
 *   get AmazonElastiCache:cluster    VALUE AmazonElastiCache:cluster 0 <bytes>\r\n<list>\r\nEND\r\n
 *
 * The second is what clients of memcacheds before 1.4.14 ask: a get of that key alone, which is
 * then no key. The length counts the list's own last line feed.
 */
import { bytesOf, SPACE } from "../ascii.ts";

export const LIST_KEY = bytesOf("AmazonElastiCache:cluster");

/** True when the key at bytes[start, end) is the one that asks for the list. */
export function isListKey(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= LIST_KEY.length) return false;
  for (let at = 0; at < LIST_KEY.length; at++) {
    if (bytes[start + at] !== LIST_KEY[at]) return false;
  }
  return (bytes[start + LIST_KEY.length] as number) <= SPACE;
}

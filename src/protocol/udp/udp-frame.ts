/**
 * The eight bytes before every UDP datagram, requests and replies alike. Integers are big-endian.
 *
 *  byte 0            2                 4                     6          8
 *       | request id | sequence number | datagrams in message | reserved | payload
 *
 * A request must be one datagram; a reply may be several, each with its place in it.
 */
export const UDP_FRAME_BYTES = 8;
/** The longest datagram, its frame included, and what of it is payload. */
export const UDP_DATAGRAM_BYTES_MAX = 1400;
export const UDP_PAYLOAD_BYTES_MAX = UDP_DATAGRAM_BYTES_MAX - UDP_FRAME_BYTES;

const NO_REQUEST = -1;

/**
 * The request id of the datagram bytes[start, end); -1 when it is to be dropped: too short, or a
 * part of a message.
 */
export function udpRequestId(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= UDP_FRAME_BYTES) return NO_REQUEST;
  if (bytes[start + 4] !== 0 || bytes[start + 5] !== 1) return NO_REQUEST;
  return ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
}

/** How many datagrams a reply of `replyBytes` takes. */
export function udpDatagramCount(replyBytes: number): number {
  return Math.ceil(replyBytes / UDP_PAYLOAD_BYTES_MAX);
}

/** Writes the frame of datagram `sequence` of `count` at out[at]. Where the payload goes. */
export function writeUdpFrame(
  out: Uint8Array,
  at: number,
  requestId: number,
  sequence: number,
  count: number,
): number {
  out[at] = requestId >>> 8;
  out[at + 1] = requestId;
  out[at + 2] = sequence >>> 8;
  out[at + 3] = sequence;
  out[at + 4] = count >>> 8;
  out[at + 5] = count;
  out[at + 6] = 0;
  out[at + 7] = 0;
  return at + UDP_FRAME_BYTES;
}

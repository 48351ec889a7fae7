/**
 * What a store operation answers. Encoders turn it into each protocol's words.
 *
 *   read and fetch    hit · miss
 *   store             stored · notStored · exists · notFound · tooLarge · outOfMemory
 *   arithmetic        stored · notFound · exists · notStored · nonNumeric · outOfMemory
 *   delete, touch     deleted / touched / stored (md I, md x) · notFound · exists · notStored
 *   uploadBegin       ok · tooLarge · outOfMemory · noRoomYet           flush, fence, release, resize   ok
 */
export const Status = {
  none: 0,
  ok: 1,
  hit: 2,
  miss: 3,
  stored: 4,
  notStored: 5,
  exists: 6,
  notFound: 7,
  deleted: 8,
  touched: 9,
  tooLarge: 10,
  outOfMemory: 11,
  nonNumeric: 12,
  /** The owner died while it did this; nobody knows whether it took effect. */
  ownerLost: 13,
  /** Nothing has happened: uploads or leases under way may give room back (Mark.mayWait). */
  noRoomYet: 14,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/**
 * What the wire got wrong. The text protocol's words for each are in protocol/text; the binary ones
 * in protocol/binary.
 */
export const WireError = {
  none: 0,
  /** ERROR */
  unknownCommand: 1,
  /** CLIENT_ERROR bad command line format */
  badFormat: 2,
  badDataChunk: 3,
  tooLarge: 4,
  invalidExptime: 5,
  invalidDelta: 6,
  nonNumeric: 7,
  outOfMemoryStoring: 8,
  invalidFlag: 9,
  duplicateFlag: 10,
  tooManyFlags: 11,
  badToken: 12,
  invalidInitialValue: 13,
  invalidDeltaValue: 14,
  badBase64Key: 15,
  opaqueTooLong: 16,
  /** ma's one answer for every wrong flag. */
  invalidOrDuplicateFlag: 17,
  invalidStoreMode: 18,
  invalidArithmeticMode: 19,
  /** delete with more than a key, one argument and noreply. */
  deleteUsage: 20,
  flushNotAllowed: 21,
  shutdownNotEnabled: 22,
  invalidShutdownMode: 23,
  memlimitTooSmall: 24,
  memlimitTooLarge: 25,
  memlimitFailed: 26,
  unauthenticated: 27,
  authenticationFailure: 28,
  badAuthToken: 29,
  authTokenTooLong: 30,
  badLineTermination: 31,
  /** binary: a malformed packet, answered and closed */
  malformedPacket: 32,
  unknownOpcode: 33,
  /** binary: key and extras longer than the body, answered and closed */
  bodyTooShort: 34,
  authRequired: 35,
  /** The rest are short-lived states of the server. */
  ownerLost: 36,
  outOfMemoryWriting: 37,
  /** The same words as `invalidExptime`; it counts as a flush. */
  invalidFlushDelay: 38,
  /** There is a cluster, and nobody has said yet which nodes it has. */
  listUnknown: 39,
} as const;
export type WireError = (typeof WireError)[keyof typeof WireError];

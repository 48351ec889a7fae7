/**
 * What a request asks for, whatever the protocol it came in.
 *
 *   read       any thread, straight from the owner's memory            get
 *   mutations  the shard's owner only                                  store … lease
 *   session    the connection's own thread, no shard                   version … error
 *
 * A mutation is a number below `OP_MUTATION_MAX`; rings carry only those.
 */
export const Op = {
  none: 0,
  /** Stores a value: `request.mode` says how. */
  store: 1,
  /** incr, decr, ma. */
  arithmetic: 2,
  /** delete, md, and md's invalidate and blank forms. */
  delete: 3,
  /** touch: a new exptime, no value. */
  touch: 4,
  /**
   * A read with effects: gat, gats, and mg with T, N, R or on a stale item. The reply describes the
   * item.
   */
  fetch: 5,
  /** Starts, feeds, ends or abandons a value too large for a ring record or a slab. */
  uploadBegin: 6,
  uploadData: 7,
  uploadEnd: 8,
  uploadAbort: 9,
  /** Holds a large item's memory for a reader, and lets it go. */
  lease: 10,
  release: 11,
  /** No effect; answered once everything before it in the ring has been done. */
  fence: 12,
  /** Everything in the shard dies, now or at `request.exptime`. */
  flush: 13,
  /** A new item-memory budget for the shard, in `request.valueBytes` (bytes). */
  resize: 14,
  /** The requester's thread is new: what its predecessor left open (uploads, leases) is dropped. */
  disown: 15,

  /** A plain read: get, gets, mg without effects, binary Get. */
  get: 32,
  /** me: an item's description. */
  inspect: 33,

  version: 64,
  quit: 65,
  verbosity: 66,
  stats: 67,
  /** mn, binary No-op: a reply and no effect. */
  noop: 68,
  shutdown: 69,
  flushAll: 70,
  cacheMemlimit: 71,
  /**
   * slabs, lru, lru_crawler, watch, debugtime …: the line is in request.bytes[lineStart, lineEnd).
   */
  admin: 72,
  /** Authentication: SASL packets, or an ASCII login. */
  authenticate: 73,
  /** A line that is wrong: the reply is `request.error`. */
  error: 74,
  /** config get cluster, and its kin: `request.level` says which. */
  nodeList: 75,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** Ops below this change a shard, or must be answered by its owner. */
export const OP_MUTATION_MAX = 32;

/** How `Op.store` stores. */
export const StoreMode = {
  set: 0,
  add: 1,
  replace: 2,
  append: 3,
  prepend: 4,
} as const;
export type StoreMode = (typeof StoreMode)[keyof typeof StoreMode];

/** Which store was too large, in `request.level`: its mode, or this when it compared a CAS. */
export const REFUSED_CAS = 5;

/** How `Op.arithmetic` counts. */
export const ArithmeticMode = { increment: 0, decrement: 1 } as const;
export type ArithmeticMode = (typeof ArithmeticMode)[keyof typeof ArithmeticMode];

/** What `Op.delete` does. */
export const DeleteMode = {
  /** Removes the item. */
  remove: 0,
  /** md I: keeps it, stale, with a new CAS. */
  invalidate: 1,
  /** md x: keeps it, with an empty value. */
  blank: 2,
  /** md I x. */
  invalidateBlank: 3,
} as const;
export type DeleteMode = (typeof DeleteMode)[keyof typeof DeleteMode];

/**
 * Which command an `Op.admin` is, in `request.level`: its words are for whoever serves it to read.
 */
export const AdminWord = {
  slabs: 1,
  lru: 2,
  lruCrawler: 3,
  watch: 4,
  debugtime: 5,
} as const;
export type AdminWord = (typeof AdminWord)[keyof typeof AdminWord];

/** What an `Op.authenticate` brings, in `request.level`. */
export const LoginStep = {
  /** `<user> <password>`, as the value. */
  password: 0,
  /** SASL: which mechanisms are there? */
  list: 1,
  /** SASL: a mechanism's name as the key, and perhaps its data as the value. */
  begin: 2,
  /** SASL: the data of a mechanism that was begun without. */
  step: 3,
} as const;
export type LoginStep = (typeof LoginStep)[keyof typeof LoginStep];

/** How `Op.nodeList` was asked for, in `request.level`, where a protocol has two ways. */
export const ListForm = { config: 0, item: 1 } as const;
export type ListForm = (typeof ListForm)[keyof typeof ListForm];

/** How `Op.shutdown` ends, in `request.level`. */
export const ShutdownMode = { interrupt: 0, graceful: 1 } as const;
export type ShutdownMode = (typeof ShutdownMode)[keyof typeof ShutdownMode];

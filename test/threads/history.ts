/**
 * History: what several clients asked of one key, when, and what they were told. Recorded while
 * threads run, checked afterwards (linearizability.ts). Plain data, so that workers can post it.
 */

export type Action = "get" | "set" | "add" | "cas" | "incr" | "delete" | "touch";

/**
 * What a client was told. `unknown`: nobody knows whether it took effect; if so, before `returned`,
 * which is infinite when the answer never came.
 */
export type Told =
  | "hit"
  | "miss"
  | "stored"
  | "notStored"
  | "exists"
  | "notFound"
  | "deleted"
  | "touched"
  | "number"
  | "nonNumeric"
  | "unknown";

export interface Operation {
  client: number;
  key: string;
  action: Action;
  /** The value written; for incr, the delta in digits. */
  value: string;
  /** For cas: the unique it compares with. */
  cas: number;
  /** When it was sent and when its answer was there, on one clock for all threads. */
  invoked: number;
  returned: number;
  told: Told;
  /** A hit's value; after incr, the number. */
  got: string;
  /** A hit's CAS unique; 0 when it was not told. */
  gotCas: number;
}

/** One clock for all threads and processes of the machine, in nanoseconds. */
export function now(): number {
  return Number(process.hrtime.bigint());
}

/** The operations of each key, by the time they were sent. */
export function byKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of operations) {
    const list = keys.get(operation.key);
    if (list === undefined) keys.set(operation.key, [operation]);
    else list.push(operation);
  }
  for (const list of keys.values()) list.sort((a, b) => a.invoked - b.invoked);
  return keys;
}

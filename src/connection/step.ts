/**
 * Step: what an operation on a connection (operation/) says when it returns, and what the
 * connection's state machine (connection.ts) makes its next state of.
 */

/** How far serving got. From `dry` on it is an event, which ends `executing`. */
export const Step = {
  /** The request is answered, or its reply has its hole. */
  done: 0,
  /** It has been read; the operation of the connection's wait goes on with what follows. */
  follows: 1,
  /** What was found has changed since: the request is executed from its beginning. */
  again: 2,
  /** No whole request is there. */
  dry: 3,
  /** The same, and what is there has begun a value. */
  value: 4,
  /** More of a value that is thrown away is to come. */
  swallows: 5,
  awaits: 6,
  behind: 7,
  refused: 8,
  crowded: 9,
  noRoom: 10,
  quiet: 11,
  yields: 12,
  quits: 13,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/** True for what would be served again without a reply or room from elsewhere. */
export function goesOnByItself(step: Step): boolean {
  return step <= Step.swallows || step === Step.quiet || step === Step.yields;
}

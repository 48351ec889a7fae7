/**
 * What the router says to a connection. `hit`, `miss` and `busy` have the numbers of the store's
 * ReadOutcome.
 *
 *   hit, miss   the read is answered: `reply` is filled
 *   done        the request is answered: `reply` is filled
 *   described   the fetch is done, and `reply` says what it found: its value is still to be read (Router.readFetched)
 *   sent        `handler.replied(token, …)` will bring the answer, exactly once. For a read: then read again
 *   busy        nothing was sent. Try again when one of this order's requests has been answered
 *   full        nothing was sent. Try again after a `poll` that returned more than 0
 *   changed     the value is no longer the one the reply describes: send the fetch again
 */
export const Outcome = {
  hit: 1,
  miss: 2,
  busy: 3,
  full: 4,
  done: 5,
  sent: 6,
  changed: 7,
  described: 8,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

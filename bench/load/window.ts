/**
 * What a generator thread is told: which part of the run it is, and how long and how fast to send.
 */

/** One stretch of load. */
export interface Window {
  seconds: number;
  /** Requests a second of this thread; 0 is a closed loop. */
  rate: number;
  /** Gaps between the requests of an open loop: independent arrivals, or all alike. */
  arrivals: "poisson" | "uniform";
  /** Ends after so many requests of this thread, if that is sooner; absent: no bound. */
  requests?: number;
}

/** 0 ≤ thread < threads. */
export interface Share {
  thread: number;
  threads: number;
}

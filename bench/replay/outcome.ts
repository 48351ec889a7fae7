/** What a replay counted. */
export interface ReplayOutcome {
  requests: number;
  misses: number;
  /** Sets that were not stored. */
  refused: number;
  seconds: number;
  details: Record<string, number>;
}

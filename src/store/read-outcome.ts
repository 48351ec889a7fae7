/** What a reader of a shard found. `busy`: ask another way; nothing was read. */
export const ReadOutcome = { hit: 1, miss: 2, busy: 3 } as const;
export type ReadOutcome = (typeof ReadOutcome)[keyof typeof ReadOutcome];

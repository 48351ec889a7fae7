/**
 * The one assertion. It states what only a bug of ours can break: a client or an operator can never
 * make it fail. In a worker it ends the shard's task, and the supervisor starts a new owner over
 * the same memory.
 */
export class AssertionError extends Error {
  readonly code = "ERR_ASSERTION";
  override readonly name = "AssertionError";
}

/** Throws when `condition` is false. `message` is a constant that says what should have held. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

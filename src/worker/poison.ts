/**
 * Poison: with -o debug, what a thread reuses from request to request is filled with nonsense
 * before it is used again, so that a field that was forgotten, in a parser, in a saved form or in a
 * store, is seen in an answer instead of being the right number most of the time. The wire tests
 * play to a server that does this.
 *
 * `begin` is wrapped for this thread only, and only with -o debug: otherwise it costs nothing.
 */
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";

/** Fits every field: marks take 16 bits in a ring, a queue 8. */
const POISON = 0x55;

/** Fills every number of a Request or a Reply; what `begin` resets, it resets afterwards. */
export function poison(reused: Request | Reply): void {
  const fields = reused as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "number") fields[name] = POISON;
  }
}

/** From now on, on this thread. */
export function poisonReuse(): void {
  const beginRequest = Request.prototype.begin;
  Request.prototype.begin = function poisonedBegin(op, dialect, bytes): void {
    poison(this);
    beginRequest.call(this, op, dialect, bytes);
  };
  const beginReply = Reply.prototype.begin;
  Reply.prototype.begin = function poisonedBegin(): void {
    poison(this);
    beginReply.call(this);
  };
}

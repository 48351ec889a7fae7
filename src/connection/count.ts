/**
 * Which counter a request moves: memcached's rules (observed with `stats`; docs/protocol-support.md
 * lists the differences).
 *
 * The thread that holds the connection counts, once, when the outcome is known; what a shard does
 * by itself (evictions, expiries) its owner counts.
 */
import { SERVER_SECONDS_PAST } from "../base/unit.ts";
import { ArithmeticMode, DeleteMode, Op, StoreMode } from "../command/op.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { rulesOf } from "../protocol/protocols.ts";

/** Counts `request`, of which `reply` is the outcome. */
export function countOutcome(counters: Counters, request: Request, reply: Reply): void {
  switch (request.op) {
    case Op.get:
      countGet(counters, reply);
      break;
    case Op.fetch:
      countFetch(counters, request, reply);
      break;
    case Op.store:
      countStore(counters, request, reply);
      break;
    case Op.delete:
      countDelete(counters, request, reply);
      break;
    case Op.arithmetic:
      countArithmetic(counters, request, reply);
      break;
    case Op.touch:
      counters.add(Counter.cmdTouch, 1);
      counters.add(reply.status === Status.touched ? Counter.touchHits : Counter.touchMisses, 1);
      break;
    case Op.inspect:
      counters.add(Counter.cmdMeta, 1);
      countDead(counters, reply);
      break;
    case Op.flushAll:
      counters.add(Counter.cmdFlush, 1);
      break;
    default:
      break;
  }
}

/** Counts gets, each a hit or a miss; what a miss met, `countDead` counts. */
export function countGets(counters: Counters, hits: number, misses: number): void {
  counters.add(Counter.cmdGet, hits + misses);
  counters.add(Counter.getHits, hits);
  counters.add(Counter.getMisses, misses);
}

function countGet(counters: Counters, reply: Reply): void {
  const hits = reply.status === Status.hit ? 1 : 0;
  countGets(counters, hits, 1 - hits);
  countDead(counters, reply);
}

/**
 * A miss that met a dead item. Where its owner looked for another reason than to read, the owner
 * counts.
 */
function countDead(counters: Counters, reply: Reply): void {
  if (reply.status === Status.hit) return;
  if ((reply.marks & ItemMark.expired) !== 0) counters.add(Counter.getExpired, 1);
  if ((reply.marks & ItemMark.flushed) !== 0) counters.add(Counter.getFlushed, 1);
}

/** A read that sets an exptime counts as a touch, any other as a get. */
function countFetch(counters: Counters, request: Request, reply: Reply): void {
  const touches = (request.marks & Mark.exptime) !== 0;
  const hit = reply.status === Status.hit;
  if (!touches || (!hit && rulesOf(request).countsMissedTouchAsGet)) {
    countGet(counters, reply);
    return;
  }
  countDead(counters, reply);
  counters.add(Counter.cmdTouch, 1);
  counters.add(hit ? Counter.touchHits : Counter.touchMisses, 1);
}

function countStore(counters: Counters, request: Request, reply: Reply): void {
  if (reply.status === Status.tooLarge) {
    counters.add(Counter.storeTooLarge, 1);
    return;
  }
  if (reply.status === Status.outOfMemory) {
    counters.add(Counter.storeNoMemory, 1);
    return;
  }
  counters.add(Counter.cmdSet, 1);
  if (reply.status === Status.stored && request.exptime === SERVER_SECONDS_PAST) {
    counters.add(Counter.setAlreadyExpired, 1);
  }
  const joins = request.mode === StoreMode.append || request.mode === StoreMode.prepend;
  if ((request.marks & Mark.compareCas) === 0 || joins) return;
  if (reply.status === Status.stored) counters.add(Counter.casHits, 1);
  else if (reply.status === Status.exists) counters.add(Counter.casBadval, 1);
  else if (reply.status === Status.notFound) counters.add(Counter.casMisses, 1);
}

function countDelete(counters: Counters, request: Request, reply: Reply): void {
  const done = reply.status === Status.deleted || reply.status === Status.stored;
  if (done && request.mode === DeleteMode.invalidate) return;
  if (done) counters.add(Counter.deleteHits, 1);
  else if (reply.status === Status.notFound || rulesOf(request).countsRefusedDeleteAsMiss) {
    counters.add(Counter.deleteMisses, 1);
  }
}

function countArithmetic(counters: Counters, request: Request, reply: Reply): void {
  if ((reply.marks & ItemMark.created) !== 0) return;
  const increments = request.mode === ArithmeticMode.increment;
  if (reply.status === Status.stored) {
    counters.add(increments ? Counter.incrHits : Counter.decrHits, 1);
  } else if (reply.status === Status.notFound) {
    counters.add(increments ? Counter.incrMisses : Counter.decrMisses, 1);
  }
}

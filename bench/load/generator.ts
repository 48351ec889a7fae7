/**
 * The load generator of one thread: one poller, its share of the connections, one stream of
 * requests.
 *
 *   per connection   input  | consumed | a reply, or its beginning | free |            one region each
 *                    output | sent | not taken by the socket yet | free |
 *                    ring   of unanswered requests: when it began, its kind, its keys
 *
 * Closed loop: a connection sends `depth` requests at once, and the next batch when all are
 * answered. Open loop: requests are due at fixed times, whether the server keeps up or not; a
 * request that finds every connection full waits, and its latency still counts from the time it was
 * due. So a stall shows in full, in the latencies of all that it delayed (no coordinated omission).
 *
 * Nothing here returns to the event loop while a window runs; it stops at its end or when the board
 * says so.
 */
import { CACHE_LINE_BYTES, roundUp } from "../../src/base/unit.ts";
import { URING_BYTES } from "../../src/transport/uring/uring-plan.ts";
import { type Board, Meter } from "./board.ts";
import { BROKEN, type Dialect, type Kind } from "./dialect.ts";
import { countLatency } from "./latency-counts.ts";
import { connect, kernelMemory, type Target, threadCpuMicroseconds } from "./libc.ts";
import { openSockets } from "./open-sockets.ts";
import { Random } from "./random.ts";
import { Requests } from "./requests.ts";
import { NOTHING, type Sockets } from "./sockets.ts";
import type { Share, Window } from "./window.ts";
import { dialectOf, payloadOf, type Workload } from "./workload.ts";

/** Room in the input beyond one reply, so that one receive takes many. */
const INPUT_SLACK_BYTES = 64 * 1024;
/** Sets on their way per connection while preloading. */
const PRELOAD_DEPTH = 32;
/** Memory for the buffers of all connections of a thread. */
const BUFFER_BYTES_MAX = 2 ** 31;
/** After a window's end, unanswered requests are given so long. */
const GRACE_MILLISECONDS = 2000;
/** While preloading, a server that says nothing for so long has failed. */
const SILENCE_MILLISECONDS_MAX = 15_000;
/** The longest sleep, so that a stop is noticed. */
const WAIT_MILLISECONDS_MAX = 100;

export class Generator {
  readonly #target: Target;
  readonly #workload: Workload;
  readonly #share: Share;
  readonly #board: Board;
  readonly #dialect: Dialect;
  readonly #requests: Requests;
  readonly #random: Random;
  readonly #sockets: Sockets;
  readonly #count: number;
  /** Threads of the run that have a connection. */
  readonly #active: number;
  /** Inputs and outputs of all connections. */
  readonly #bytes: Uint8Array;
  readonly #inputBase: number;
  readonly #inputBytes: number;
  readonly #inputFill: Uint32Array;
  readonly #outputBase: number;
  readonly #outputBytes: number;
  readonly #outputSent: Uint32Array;
  readonly #outputFill: Uint32Array;
  readonly #ringSize: number;
  readonly #head: Uint32Array;
  readonly #waiting: Uint32Array;
  readonly #begunAt: Float64Array;
  readonly #kinds: Uint8Array;
  readonly #keyCounts: Uint32Array;
  readonly #keys: Uint32Array;
  readonly #keysEach: number;
  #outstanding = 0;
  /** Requests this window may still send. */
  #left = 0;
  #issuing = false;
  #closedLoop = true;
  #preloadNext = -1;
  #lastReplyAt = 0;

  constructor(target: Target, workload: Workload, share: Share, board: Board) {
    this.#target = target;
    this.#workload = workload;
    this.#share = share;
    this.#board = board;
    const payload = payloadOf(workload);
    this.#dialect = dialectOf(workload, payload);
    this.#requests = new Requests(workload, this.#dialect, share.thread, share.threads);
    this.#random = new Random(workload.seed ^ 0x0a11 ^ share.thread);
    const { connections, keysPerGet } = workload;
    this.#count = Math.ceil((connections - share.thread) / share.threads);
    this.#active = Math.min(connections, share.threads);
    const depth = Math.max(workload.depth, PRELOAD_DEPTH);
    this.#ringSize = 2 ** Math.ceil(Math.log2(depth));
    this.#keysEach = keysPerGet;
    this.#inputBytes = this.#dialect.replyBytesMax(keysPerGet) + INPUT_SLACK_BYTES;
    this.#outputBytes = this.#dialect.requestBytesMax(keysPerGet) * workload.depth;
    if (this.#count * (this.#inputBytes + this.#outputBytes) > BUFFER_BYTES_MAX) {
      throw new Error("buffers too large: fewer connections, a smaller depth or smaller values");
    }
    this.#inputBase = roundUp(URING_BYTES, CACHE_LINE_BYTES);
    this.#outputBase = this.#inputBase + this.#count * this.#inputBytes;
    const memory = kernelMemory(this.#outputBase + this.#count * this.#outputBytes);
    this.#bytes = memory.arena.bytes;
    this.#inputFill = new Uint32Array(this.#count);
    this.#outputSent = new Uint32Array(this.#count);
    this.#outputFill = new Uint32Array(this.#count);
    this.#head = new Uint32Array(this.#count);
    this.#waiting = new Uint32Array(this.#count);
    const entries = this.#count * this.#ringSize;
    this.#begunAt = new Float64Array(entries);
    this.#kinds = new Uint8Array(entries);
    this.#keyCounts = new Uint32Array(entries);
    this.#keys = new Uint32Array(entries * keysPerGet);
    this.#sockets = openSockets(this.#count, memory, workload.sockets);
    for (let slot = 0; slot < this.#count; slot++) this.#open(slot);
  }

  /** Sets every key of this thread's share once. */
  preload(): void {
    this.#board.reset();
    if (this.#count === 0) return;
    this.#preloadNext = this.#share.thread;
    this.#left = Number.POSITIVE_INFINITY;
    this.#run(Number.POSITIVE_INFINITY, 0, "uniform");
    this.#preloadNext = -1;
  }

  /** Sends load for a while; the board has the results afterwards. */
  window(window: Window): void {
    this.#board.reset();
    if (this.#count === 0) return; // more threads than connections
    this.#left = window.requests ?? Number.POSITIVE_INFINITY;
    this.#run(window.seconds * 1000, window.rate, window.arrivals);
  }

  close(): void {
    this.#sockets.close();
  }

  #run(milliseconds: number, rate: number, arrivals: Window["arrivals"]): void {
    const board = this.#board;
    const cpuStart = threadCpuMicroseconds();
    const start = performance.now();
    let end = start + milliseconds;
    const gap = rate > 0 ? 1000 / rate : 0;
    let due = start + (gap > 0 ? gap * this.#random.unit() : 0);
    let now = start;
    this.#closedLoop = rate === 0;
    this.#issuing = true;
    this.#lastReplyAt = start;
    if (this.#closedLoop) {
      for (let slot = 0; slot < this.#count; slot++) this.#issue(slot, performance.now());
    }
    let next = 0;
    for (;;) {
      if (gap > 0 && this.#issuing) {
        while (due <= now && due < end && this.#left > 0) {
          const slot = this.#freeSlot(next);
          if (slot < 0) break;
          next = slot + 1 === this.#count ? 0 : slot + 1;
          this.#append(slot, due);
          this.#flush(slot);
          due += arrivals === "poisson" ? gap * this.#random.exponential() : gap;
        }
      }
      if (this.#preloadNext >= this.#keyCount() || this.#left === 0) this.#issuing = false;
      if (board.stopped) end = Math.min(end, now);
      if (now >= end && (gap === 0 || due >= end || now >= end + GRACE_MILLISECONDS)) {
        this.#issuing = false;
      }
      if (!this.#issuing && this.#outstanding === 0) break;
      if (end === Number.POSITIVE_INFINITY && now - this.#lastReplyAt > SILENCE_MILLISECONDS_MAX) {
        throw new Error("the server does not answer");
      }
      if (now >= end + GRACE_MILLISECONDS) {
        this.#giveUp(now);
        break;
      }
      const events = this.#sockets.wait(this.#waitMilliseconds(gap, due, now, end));
      for (let event = 0; event < events; event++) this.#react(event);
      now = performance.now();
    }
    // Arrivals that never found a free connection before time was up.
    if (gap > 0 && due < end && this.#left > 0)
      board.add(Meter.unanswered, Math.floor((end - due) / gap));
    board.add(Meter.seconds, (this.#lastReplyAt - start) / 1000);
    board.add(Meter.cpuMicroseconds, threadCpuMicroseconds() - cpuStart);
  }

  #waitMilliseconds(gap: number, due: number, now: number, end: number): number {
    if (gap > 0 && this.#issuing) {
      // Nothing sleeps for less than a millisecond, so the last stretch before a request is due is
      // spent polling.
      if (due > now) return Math.min(WAIT_MILLISECONDS_MAX, Math.floor(Math.min(due, end) - now));
      return 1; // every connection is full: an answer ends the wait
    }
    return Math.min(WAIT_MILLISECONDS_MAX, Math.max(1, Math.ceil(end - now) + 1));
  }

  #keyCount(): number {
    return this.#workload.trace?.keyCount ?? this.#workload.keyCount;
  }

  /** A connection with room for a request, from `first` round, or -1. */
  #freeSlot(first: number): number {
    for (let i = 0; i < this.#count; i++) {
      const slot = first + i < this.#count ? first + i : first + i - this.#count;
      if ((this.#waiting[slot] as number) < this.#workload.depth && this.#outputFill[slot] === 0) {
        return slot;
      }
    }
    return -1;
  }

  /** Sends the next batch of a closed loop. */
  #issue(slot: number, now: number): void {
    if (this.#preloadNext >= 0) {
      this.#issuePreload(slot, now);
      return;
    }
    for (let i = 0; i < this.#workload.depth && this.#left > 0; i++) this.#append(slot, now);
    this.#flush(slot);
  }

  #issuePreload(slot: number, now: number): void {
    const keyCount = this.#keyCount();
    const fitting = Math.floor(this.#outputBytes / this.#dialect.requestBytesMax(1));
    const batch = Math.max(1, Math.min(PRELOAD_DEPTH, fitting));
    for (let i = 0; i < batch && this.#preloadNext < keyCount; i++) this.#append(slot, now);
    this.#flush(slot);
  }

  /** Composes one request behind what the connection's output holds. */
  #append(slot: number, begunAt: number): void {
    const entry =
      slot * this.#ringSize +
      (((this.#head[slot] as number) + (this.#waiting[slot] as number)) & (this.#ringSize - 1));
    const base = this.#outputBase + slot * this.#outputBytes;
    const at = base + (this.#outputFill[slot] as number);
    const first = entry * this.#keysEach;
    let end = 0;
    if (this.#preloadNext >= 0) {
      end = this.#requests.composeSet(this.#bytes, at, this.#keys, first, this.#preloadNext);
      this.#preloadNext += this.#active;
    } else {
      end = this.#requests.compose(this.#bytes, at, this.#keys, first);
    }
    this.#outputFill[slot] = end - base;
    this.#begunAt[entry] = begunAt;
    this.#kinds[entry] = this.#requests.kind;
    this.#keyCounts[entry] = this.#requests.count;
    this.#waiting[slot] = (this.#waiting[slot] as number) + 1;
    this.#outstanding++;
    this.#left--;
  }

  /** Sends what the output holds and nobody is sending yet. */
  #flush(slot: number): void {
    const sent = this.#outputSent[slot] as number;
    const rest = (this.#outputFill[slot] as number) - sent;
    if (rest === 0) return;
    const at = this.#outputBase + slot * this.#outputBytes + sent;
    this.#countSent(slot, this.#sockets.send(slot, at, rest));
  }

  /** So many bytes have left, or NOTHING is known yet; what did not fit waits for an event. */
  #countSent(slot: number, bytes: number): void {
    if (bytes === NOTHING) return;
    if (bytes < 0) {
      this.#lose(slot);
      return;
    }
    this.#board.add(Meter.sentBytes, bytes);
    const sent = (this.#outputSent[slot] as number) + bytes;
    const isDone = sent === this.#outputFill[slot];
    this.#outputSent[slot] = isDone ? 0 : sent;
    if (isDone) this.#outputFill[slot] = 0;
  }

  /** What an event says: room for output, or bytes that have been sent, or a reply. */
  #react(event: number): void {
    const sockets = this.#sockets;
    const slot = sockets.slot(event);
    const sent = sockets.sent(event);
    if (sent !== NOTHING) {
      this.#countSent(slot, sent);
      this.#flush(slot);
      this.#issueWhenIdle(slot);
    }
    const received = sockets.received(event);
    if (received === NOTHING) return;
    if (received <= 0) {
      this.#lose(slot);
      return;
    }
    const now = performance.now();
    this.#lastReplyAt = now;
    this.#board.add(Meter.receivedBytes, received);
    const base = this.#inputBase + slot * this.#inputBytes;
    const end = base + (this.#inputFill[slot] as number) + received;
    const rest = this.#readReplies(slot, base, end, now);
    if (rest < 0) {
      this.#lose(slot);
      return;
    }
    if (rest < end && rest > base) this.#bytes.copyWithin(base, rest, end);
    this.#inputFill[slot] = end - rest;
    sockets.receiveInto(slot, base + end - rest, this.#inputBytes - (end - rest));
    this.#issueWhenIdle(slot, now);
  }

  /** In a closed loop, the next batch leaves when all of the last one is sent and answered. */
  #issueWhenIdle(slot: number, now = performance.now()): void {
    const isIdle = this.#waiting[slot] === 0 && this.#outputFill[slot] === 0;
    if (this.#closedLoop && this.#issuing && isIdle) this.#issue(slot, now);
  }

  /** Reads replies from input[start, end): where the first incomplete one begins, or BROKEN. */
  #readReplies(slot: number, start: number, end: number, now: number): number {
    const board = this.#board;
    const { counts } = board;
    const dialect = this.#dialect;
    const ring = slot * this.#ringSize;
    let at = start;
    let head = this.#head[slot] as number;
    let waiting = this.#waiting[slot] as number;
    let begunAt = 0;
    let alike = 0;
    while (at < end) {
      if (waiting === 0) return BROKEN; // nobody asked
      const entry = ring + head;
      const kind = this.#kinds[entry] as Kind;
      const keys = this.#keyCounts[entry] as number;
      const first = entry * this.#keysEach;
      const bytes = dialect.parse(this.#bytes, at, end, kind, this.#keys, first, keys);
      if (bytes === BROKEN) return BROKEN;
      if (bytes === 0) break;
      at += bytes;
      if (begunAt !== this.#begunAt[entry]) {
        if (alike > 0) countLatency(counts, now - begunAt, alike);
        begunAt = this.#begunAt[entry] as number;
        alike = 0;
      }
      alike++;
      head = (head + 1) & (this.#ringSize - 1);
      waiting--;
      board.add(Meter.requests, 1);
      board.add(Meter.keys, keys);
      board.add(Meter.hits, dialect.hits);
      board.add(Meter.misses, dialect.misses);
      if (dialect.misses > 0 && keys === 1) this.#requests.missed(this.#keys[first] as number);
      if (dialect.refusals > 0) board.add(Meter.refusals, dialect.refusals);
      if (dialect.lies > 0) board.add(Meter.lies, dialect.lies);
    }
    if (alike > 0) countLatency(counts, now - begunAt, alike);
    this.#outstanding -= (this.#waiting[slot] as number) - waiting;
    this.#head[slot] = head;
    this.#waiting[slot] = waiting;
    return at;
  }

  /** The connection is broken: its requests are lost, and a new one takes its place. */
  #lose(slot: number): void {
    const board = this.#board;
    board.add(Meter.failures, 1);
    board.add(Meter.unanswered, this.#waiting[slot] as number);
    this.#open(slot);
    if (this.#closedLoop && this.#issuing) this.#issue(slot, performance.now());
  }

  /** Time is up: what is still unanswered counts with the time it has waited so far. */
  #giveUp(now: number): void {
    const board = this.#board;
    const { counts } = board;
    for (let slot = 0; slot < this.#count; slot++) {
      const waiting = this.#waiting[slot] as number;
      if (waiting === 0) continue;
      for (let i = 0; i < waiting; i++) {
        const place = ((this.#head[slot] as number) + i) & (this.#ringSize - 1);
        countLatency(counts, now - (this.#begunAt[slot * this.#ringSize + place] as number), 1);
      }
      board.add(Meter.unanswered, waiting);
      this.#open(slot);
    }
    this.#issuing = false;
    this.#lastReplyAt = now;
  }

  /** Connects the slot afresh. Throws when the server refuses. */
  #open(slot: number): void {
    this.#outstanding -= this.#waiting[slot] as number;
    this.#waiting[slot] = this.#head[slot] = 0;
    this.#inputFill[slot] = this.#outputSent[slot] = this.#outputFill[slot] = 0;
    this.#sockets.attach(slot, connect(this.#target));
    const base = this.#inputBase + slot * this.#inputBytes;
    this.#sockets.receiveInto(slot, base, this.#inputBytes);
  }
}

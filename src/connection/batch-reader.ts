/**
 * BatchReader: answers plain gets (get, gets, mg with v) that lie one behind the other in a
 * connection's input, without a round through parser and executor for each: found and hashed
 * together, looked for together, then answered in order.
 *
 *   scan up to 64 keys ─▶ seek all ─▶ accept, copy, confirm ─▶ accept, copy, confirm ─▶ …
 *
 * It is the fast path only: a key that cannot be answered at once, for whatever reason (a mutation
 * of it is under way, its value is large, the output is full), ends the batch, and the parser
 * resumes exactly there. So a get has two paths. What its reply looks like is written once for
 * both, in value-lines.ts; which items are dead is known to BatchFinder and to StoreReader; whatever is
 * not plain is done by operation/read.ts alone.
 */
import { copyBytes } from "../base/bytes.ts";
import type { KeyHash } from "../base/key-hash.ts";
import { BatchMark, GetBatch } from "../command/get-batch.ts";
import { Op } from "../command/op.ts";
import { Dialect, Mark, Request } from "../command/request.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { writeLineEnd } from "../protocol/ascii.ts";
import { GetScanner } from "../protocol/text/get-scanner.ts";
import {
  CLASSIC_HIT_BYTES_MAX,
  writeCas,
  writeEnd,
  writeMetaMiss,
  writeMetaValueLine,
  writeValueEnd,
  writeValueLine,
} from "../protocol/value-lines.ts";
import { BatchSearch } from "../router/batch-search.ts";
import type { Router } from "../router/router.ts";
import type { Observer } from "../stats/observer.ts";
import type { BatchFinder } from "../store/batch-finder.ts";
import { ReadOutcome } from "../store/read-outcome.ts";
import type { Connection } from "./connection.ts";
import { countGets } from "./count.ts";
import type { EventLog } from "./event-log.ts";
import type { Output } from "./output.ts";

export interface BatchReaderParts {
  readonly router: Router;
  /** By shard. */
  readonly finders: readonly BatchFinder[];
  readonly output: Output;
  readonly counters: Counters;
  readonly observer: Observer;
  readonly events: EventLog;
  readonly hash: KeyHash;
  readonly listsNodes: boolean;
}

export class BatchReader {
  /** Requests that the last `serve` answered to their end. */
  served = 0;
  readonly #router: Router;
  readonly #output: Output;
  readonly #counters: Counters;
  readonly #observer: Observer;
  readonly #events: EventLog;
  readonly #scanner: GetScanner;
  readonly #search: BatchSearch;
  readonly #bytes: Uint8Array;
  readonly #batch = new GetBatch();
  /** What the observer is shown of a get. */
  readonly #request: Request;
  #hits = 0;

  /** `bytes`: where input lies. */
  constructor(parts: BatchReaderParts, bytes: Uint8Array) {
    this.#router = parts.router;
    this.#output = parts.output;
    this.#counters = parts.counters;
    this.#observer = parts.observer;
    this.#events = parts.events;
    this.#scanner = new GetScanner(parts.hash, parts.listsNodes);
    this.#search = new BatchSearch(parts.finders);
    this.#bytes = bytes;
    this.#request = new Request(bytes);
    this.#request.begin(Op.get, Dialect.text, bytes);
    this.#request.marks = Mark.wantsValue;
  }

  /**
   * Answers plain gets from the start of [start, end) on, at most `requestsMax` of them. Returns
   * how many bytes of the input that took: 0 when the request there is not a plain get, or needs
   * the parser and the executor.
   */
  serve(connection: Connection, start: number, end: number, requestsMax: number): number {
    this.served = 0;
    const batch = this.#batch;
    this.#scanner.scan(connection.wire, this.#bytes, start, end, requestsMax, batch);
    if (batch.count === 0) return 0;
    if (this.#observer.detailEnabled() || this.#events.isWatched()) return 0;
    this.#search.seek(batch);
    this.#hits = 0;
    let key = 0;
    while (key < batch.count && this.#answer(connection, key)) key++;
    this.#count(key);
    if (key < batch.count) return this.#stopAt(connection, key);
    const marks = batch.marks[key - 1] as number;
    this.#leave(connection, (marks & BatchMark.last) === 0, marks);
    return batch.end - start;
  }

  #answer(connection: Connection, key: number): boolean {
    const batch = this.#batch;
    const output = this.#output;
    const shard = batch.shards[key] as number;
    const finder = this.#search.finders[shard] as BatchFinder;
    const low = batch.lows[key] as number;
    const high = batch.highs[key] as number;
    if (this.#router.mustWait(shard, low, high, connection.order)) return false;
    const start = batch.origin + (batch.starts[key] as number);
    const length = (batch.ends[key] as number) - (batch.starts[key] as number);
    const outcome = finder.accept(batch, key, this.#bytes, start, length);
    if (outcome === ReadOutcome.busy) return false;
    const hit = outcome === ReadOutcome.hit;
    const room = CLASSIC_HIT_BYTES_MAX + (hit ? length + finder.valueBytes : 0);
    if (!output.reserve(connection, room)) return false;
    const marks = batch.marks[key] as number;
    if (hit) {
      const written = this.#writeHit(finder, marks, start, length);
      if (!finder.confirm(batch, key)) return false;
      output.at = written;
      this.#hits++;
    } else {
      output.at = writeMiss(output.bytes, output.at, marks);
    }
    if ((marks & BatchMark.last) !== 0) this.served++;
    if (this.#observer.due()) this.#show(key, hit, finder.valueBytes);
    return true;
  }

  #writeHit(finder: BatchFinder, marks: number, start: number, length: number): number {
    const { bytes, at } = this.#output;
    const { valueBytes } = finder;
    const meta = (marks & BatchMark.meta) !== 0;
    let to = meta
      ? writeMetaValueLine(bytes, at, valueBytes)
      : writeValueLine(bytes, at, this.#bytes, start, length, finder.clientFlags, valueBytes);
    if ((marks & BatchMark.withCas) !== 0) {
      to = writeCas(bytes, to, finder.casHigh, finder.casLow);
    }
    to = writeLineEnd(bytes, to);
    copyBytes(bytes, to, finder.bytes, finder.valueStart, valueBytes);
    return writeValueEnd(bytes, to + valueBytes, (marks & BatchMark.last) !== 0 && !meta);
  }

  /** Counts the first `answered` keys of the batch. */
  #count(answered: number): void {
    if (answered === 0) return;
    this.#counters.add(Counter.readsDirect, answered);
    countGets(this.#counters, this.#hits, answered - this.#hits);
  }

  /** Shows the observer a get that was answered. */
  #show(key: number, hit: boolean, valueBytes: number): void {
    const batch = this.#batch;
    const request = this.#request;
    request.keyStart = batch.origin + (batch.starts[key] as number);
    request.keyEnd = batch.origin + (batch.ends[key] as number);
    request.hashLow = batch.lows[key] as number;
    request.hashHigh = batch.highs[key] as number;
    this.#observer.sampled(request, !hit, valueBytes);
  }

  /** The parser resumes at this key; returns how many bytes are before it. */
  #stopAt(connection: Connection, key: number): number {
    const marks = this.#batch.marks[key] as number;
    this.#leave(connection, (marks & BatchMark.first) === 0, marks);
    return this.#batch.begins[key] as number;
  }

  /** Tells the parser whether the input goes on inside a line. */
  #leave(connection: Connection, inside: boolean, marks: number): void {
    connection.wire.keysOp = inside ? Op.get : Op.none;
    connection.wire.keysWithCas = (marks & BatchMark.withCas) !== 0;
  }
}

/** What stands for a key that was not found. */
function writeMiss(out: Uint8Array, at: number, marks: number): number {
  if ((marks & BatchMark.meta) !== 0) return writeMetaMiss(out, at);
  return (marks & BatchMark.last) !== 0 ? writeEnd(out, at) : at;
}

/**
 * Sampler: looks at the node once a second and makes a frame of it; keeps the last one, and the
 * history.
 *
 *   shared memory ──(1/s)──▶ Frame ──▶ whoever listens (server-sent events)
 *                                 └──▶ History (5 min at 1 s, 24 h at 10 s)
 *
 * One look costs the primary well under a millisecond; the workers are not asked, and do not
 * notice.
 */
import { Counter } from "../memory/counters.ts";
import { BUCKET_COUNT } from "../memory/histogram.ts";
import { type Observation, SketchKind } from "../memory/observation.ts";
import { memoryLimit } from "../stats/general.ts";
import { type HotKey, hotKeys } from "../stats/hot-keys.ts";
import type { NodeView } from "../stats/node-view.ts";
import { itemsOf, QUEUE_CLASS_NAMES, type StoreGauges } from "../stats/shard-gauges.ts";
import { CounterDeltas } from "./counter-deltas.ts";
import type { AgeFrame, Frame, Rates, WorkerFrame } from "./frame.ts";
import { healthOf } from "./health.ts";
import { foldRows, LIFETIME_ROWS, rowOf } from "./heat.ts";
import { History } from "./history.ts";
import { LatencyWindow } from "./latency-window.ts";
import { cgroupLimit, memoryFrame } from "./memory-truth.ts";
import { type KeyRate, MinuteWindow } from "./minute-window.ts";
import { SERIES, seriesValues } from "./series.ts";
import { keyText } from "./text.ts";

const COUNTERS = [...new Set(Object.values(Counter))] as const;
const MICROSECONDS = 1e6;
/** The hottest and the most missed key are looked up once in this many frames. */
const KEYS_EVERY = 5;
/** Of the most missed keys, so many are asked whether anybody stores them. */
const MISSED_KEYS = 64;
/** How far back a worker's lane reaches when a page opens. */
const BUSY_PAST_SECONDS = 120;

type Listener = (frame: Frame) => void;

export class Sampler {
  readonly history = new History(SERIES);
  readonly #view: NodeView;
  readonly #deltas: CounterDeltas;
  readonly #latency: LatencyWindow;
  readonly #minute: MinuteWindow;
  readonly #listeners = new Set<Listener>();
  readonly #evictionAges = new Array<number>(LIFETIME_ROWS).fill(0);
  readonly #cgroupLimit = cgroupLimit();
  /** By worker: how busy it was, oldest first. */
  readonly #busyPast = new Map<number, number[]>();
  #frame: Frame;
  #cpu = process.cpuUsage();
  #lookedAt: number;
  #frames = 0;

  /** `now` is a time in milliseconds that only rises. */
  constructor(view: NodeView, now: number) {
    this.#view = view;
    this.#deltas = new CounterDeltas(view, COUNTERS);
    this.#latency = new LatencyWindow(view);
    this.#minute = new MinuteWindow();
    this.#lookedAt = now - 1000;
    this.#frame = this.#look(1, Math.floor(Date.now() / 1000));
  }

  /** The newest frame. */
  frame(): Frame {
    return this.#frame;
  }

  /** The newest second of each worker, and how busy it was in the last `BUSY_PAST_SECONDS`. */
  workers(): (WorkerFrame & { readonly busyPast: readonly number[] })[] {
    return this.#frame.workers.map((worker) => ({
      ...worker,
      busyPast: this.#busyPast.get(worker.id) ?? [],
    }));
  }

  /** Calls `listener` with every new frame, until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes the next frame. `unixSeconds` names it in the history. */
  tick(now: number, unixSeconds: number): void {
    const seconds = Math.max(0.001, (now - this.#lookedAt) / 1000);
    this.#lookedAt = now;
    this.#deltas.advance();
    this.#frame = this.#look(seconds, unixSeconds);
    this.history.add(unixSeconds, seriesValues(this.#frame));
    for (const { id, busy } of this.#frame.workers) this.#remember(id, busy);
    for (const listener of this.#listeners) listener(this.#frame);
  }

  #look(seconds: number, time: number): Frame {
    const view = this.#view;
    const store = view.store();
    const rates = this.#rates(seconds);
    const latency = this.#latency.advance();
    const workers = this.#workers(seconds);
    const reads = rates.hits + rates.misses;
    const limit = memoryLimit(view);
    const memory = memoryFrame(store, limit, this.#cgroupLimit);
    const connections = view.control.openConnections();
    if (this.#frames++ % KEYS_EVERY === 0) this.#lookAtKeys();
    this.#minute.add({
      time,
      rates,
      p99: latency.p99,
      evictedAge: this.#evictedAge(),
      ghostHits: this.#deltas.sum(Counter.ghostHits) / seconds,
      expiredMisses: this.#deltas.sum(Counter.getExpired) / seconds,
      flushedMisses: this.#deltas.sum(Counter.getFlushed) / seconds,
      workers,
    });
    const cpuBefore = this.#cpu;
    this.#cpu = process.cpuUsage();
    const cpu = this.#cpu.user + this.#cpu.system - cpuBefore.user - cpuBefore.system;
    return {
      time,
      uptime: view.uptime(),
      health: healthOf(
        this.#minute.summary({
          state: view.control.state(),
          absentShards: view.absentShards(),
          memoryShare: Math.min(1, (memory.items + memory.dead) / limit),
          memoryLimit: limit,
          residentBytes: memory.rss,
          cgroupLimit: memory.cgroupLimit,
          connections,
          connectionsMax: view.settings.maxConnections,
        }),
      ),
      rates,
      hitRatio: reads === 0 ? 0 : rates.hits / reads,
      misses: this.#minute.misses(),
      latency,
      workers,
      queues: store.queues.map(({ items, bytes, slabs, ageSeconds }, index) => ({
        name: QUEUE_CLASS_NAMES[index] as string,
        items,
        bytes,
        slabs,
        ageSeconds,
      })),
      slabs: { total: store.slabs, free: store.slabsFree, bytes: store.slabBytes },
      memory,
      ages: this.#ages(store),
      items: itemsOf(store),
      connections,
      connectionsMax: view.settings.maxConnections,
      cpu: cpu / MICROSECONDS / seconds,
    };
  }

  #remember(worker: number, busy: number): void {
    const past = this.#busyPast.get(worker) ?? [];
    past.push(Number(busy.toPrecision(3)));
    if (past.length > BUSY_PAST_SECONDS) past.shift();
    this.#busyPast.set(worker, past);
  }

  #rates(seconds: number): Rates {
    const per = (...counters: Counter[]): number => {
      let sum = 0;
      for (const counter of counters) sum += this.#deltas.sum(counter);
      return sum / seconds;
    };
    return {
      hits: per(Counter.getHits),
      misses: per(Counter.getMisses),
      sets: per(Counter.cmdSet),
      deletes: per(Counter.deleteHits, Counter.deleteMisses),
      arithmetic: per(Counter.incrHits, Counter.incrMisses, Counter.decrHits, Counter.decrMisses),
      touches: per(Counter.cmdTouch),
      bytesIn: per(Counter.bytesRead),
      bytesOut: per(Counter.bytesWritten),
      evictions: per(Counter.evictions),
      expired: per(Counter.reclaimed, Counter.crawlerReclaimed),
      connections: per(Counter.connectionsOpened),
      rejected: per(Counter.rejectedConnections),
      flushes: per(Counter.cmdFlush),
      hops: per(Counter.requestsSent),
      staleServed: per(Counter.staleServed),
      herdsPrevented: per(Counter.herdsPrevented),
      outOfMemory: per(Counter.outOfMemory, Counter.storeNoMemory),
      tooLarge: per(Counter.storeTooLarge),
    };
  }

  /** The workers, and the primary when it serves connections. */
  #workers(seconds: number): WorkerFrame[] {
    const view = this.#view;
    const workers: WorkerFrame[] = [];
    for (let id = 0; id <= view.threadCount; id++) {
      const counters = view.counters[id];
      if (counters === undefined) continue;
      const opened = counters.value(Counter.connectionsOpened);
      const isPrimary = id === view.threadCount;
      if (isPrimary && counters.value(Counter.loopTurns) === 0) continue;
      const of = (counter: Counter): number => this.#deltas.of(id, counter) / seconds;
      const turns = of(Counter.loopTurns);
      // Who only looks for requests has room for more.
      const worked = Math.max(0, of(Counter.busyNanoseconds) - of(Counter.polledNanoseconds));
      const shard = view.shards[id];
      const held = shard?.items() ?? { items: 0, bytes: 0 };
      workers.push({
        id,
        isPrimary,
        busy: Math.min(1, worked / 1e9),
        turnMicroseconds: turns === 0 ? 0 : worked / turns / 1000,
        turns,
        requests:
          of(Counter.cmdGet) +
          of(Counter.cmdSet) +
          of(Counter.cmdTouch) +
          of(Counter.deleteHits) +
          of(Counter.deleteMisses) +
          of(Counter.incrHits) +
          of(Counter.incrMisses) +
          of(Counter.decrHits) +
          of(Counter.decrMisses),
        connections: Math.max(0, opened - counters.value(Counter.connectionsClosed)),
        items: held.items,
        bytes: held.bytes,
        sent: of(Counter.requestsSent),
        served: of(Counter.requestsServed),
        onLoan: of(Counter.requestsOnLoan),
        evictions: of(Counter.evictions),
        ringFull: of(Counter.ringFull),
      });
    }
    return workers;
  }

  /**
   * The mean age of this second's evictions, which it also adds to the picture of lifetimes. Each
   * shard tells the age of its last one: within a second they hardly differ.
   */
  #evictedAge(): number {
    const view = this.#view;
    let ages = 0;
    let all = 0;
    for (let id = 0; id < view.threadCount; id++) {
      const evictions = this.#deltas.of(id, Counter.evictions);
      if (evictions === 0) continue;
      const age = view.counters[id]?.value(Counter.evictedTime) ?? 0;
      const row = rowOf(age, LIFETIME_ROWS);
      this.#evictionAges[row] = (this.#evictionAges[row] as number) + evictions;
      ages += age * evictions;
      all += evictions;
    }
    return all === 0 ? 0 : ages / all;
  }

  #ages(store: StoreGauges): AgeFrame {
    const view = this.#view;
    const ttl = new Float64Array(BUCKET_COUNT);
    view.observations.forEach((observation: Observation) => {
      observation.ttl.addTo(ttl);
    });
    return {
      evicted: this.#minute.evictedAge(),
      ttl: foldRows(ttl, 1, LIFETIME_ROWS),
      evictions: [...this.#evictionAges],
      oldest: store.queues.map((queue) => queue.ageSeconds),
    };
  }

  #lookAtKeys(): void {
    const rateOf = ({ key, rate }: HotKey): KeyRate => ({ text: keyText(key), rate });
    const [hottest] = hotKeys(this.#view, SketchKind.requests, 1);
    const missed = hotKeys(this.#view, SketchKind.misses, MISSED_KEYS);
    this.#minute.setKeys(
      hottest === undefined ? null : rateOf(hottest),
      missed[0] === undefined ? null : rateOf(missed[0]),
      missed.filter(({ neverStored }) => neverStored).map(rateOf),
    );
  }
}

/**
 * Replays a trace against the store alone: as many shards as threads, in this one thread, without
 * sockets.
 */
import { Clock } from "../../src/base/clock.ts";
import { KeyHash, shardOf } from "../../src/base/key-hash.ts";
import { KIB, MIB, SERVER_SECONDS_START, type ServerSeconds } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Dialect, Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { Arena } from "../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counter, Counters } from "../../src/memory/counters.ts";
import { planShard } from "../../src/memory/shard-plan.ts";
import { ReadOutcome } from "../../src/store/read-outcome.ts";
import { Store } from "../../src/store/store.ts";
import { STORE_DEFAULTS } from "../../src/store/store-options.ts";
import { StoreReader } from "../../src/store/store-reader.ts";
import type { ReplayOutcome } from "./outcome.ts";
import { type Trace, writeKey } from "./trace.ts";

const SWEEP_BYTES = 256 * KIB;

export function replayStore(
  trace: Trace,
  options: { mib: number; threads: number; itemBytesMax: number; promoteHits: number },
): ReplayOutcome {
  const { threads, itemBytesMax } = options;
  const plan = planShard((options.mib * MIB) / threads, itemBytesMax);
  const inputBytes = Math.ceil((itemBytesMax + 4 * KIB) / 64) * 64;
  const shardsAt = COUNTERS_BYTES + inputBytes;
  const stride = Math.ceil(plan.regionBytes / 64) * 64;
  const arena = new Arena(new SharedArrayBuffer(shardsAt + stride * threads));
  const clock = new Clock(1_700_000_000);
  const hash = new KeyHash(1, 2);
  const counters = new Counters(arena, 0);
  const stores: Store[] = [];
  const readers: StoreReader[] = [];
  for (let shard = 0; shard < threads; shard++) {
    const base = shardsAt + shard * stride;
    Store.format(arena, base, plan);
    const own = { ...STORE_DEFAULTS, promoteHits: options.promoteHits, shard, shardCount: threads };
    stores.push(new Store(arena, base, hash, clock, counters, own));
    const reader = new StoreReader(arena, base, clock);
    reader.setOwner(true);
    readers.push(reader);
  }
  const request = new Request(arena.bytes);
  const reply = new Reply(arena.bytes);
  let misses = 0;
  let refused = 0;
  const began = process.hrtime.bigint();
  for (let row = 0; row < trace.count; row++) {
    const keyId = trace.keyIds[row] as number;
    const now = (SERVER_SECONDS_START + (trace.times[row] as number)) as ServerSeconds;
    if (now > clock.now) {
      clock.now = now;
      for (const store of stores) {
        store.tick();
        store.sweep(SWEEP_BYTES);
      }
    }
    request.begin(Op.get, Dialect.text, arena.bytes);
    request.keyStart = COUNTERS_BYTES;
    request.keyEnd = writeKey(arena.bytes, COUNTERS_BYTES, keyId, trace.keyBytes[keyId] as number);
    hash.update(arena.bytes, request.keyStart, request.keyEnd);
    request.hashLow = hash.low;
    request.hashHigh = hash.high;
    const shard = shardOf(hash.high, threads);
    if ((readers[shard] as StoreReader).find(request, reply) === ReadOutcome.hit) continue;
    misses++;
    request.op = Op.store;
    request.valueStart = request.keyEnd;
    request.valueEnd = request.valueStart + (trace.valueBytes[keyId] as number);
    request.valueBytes = request.valueEnd - request.valueStart;
    if (request.valueBytes > itemBytesMax) {
      refused++;
      continue;
    }
    const ttl = trace.ttls[row] as number;
    request.exptime = (ttl === 0 ? 0 : clock.now + ttl) as ServerSeconds;
    (stores[shard] as Store).execute(request, reply);
    if (reply.status !== Status.stored) refused++;
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  return {
    requests: trace.count,
    misses,
    refused,
    seconds,
    details: {
      evictions: counters.value(Counter.evictions),
      promotions: counters.value(Counter.promotions),
      ghostHits: counters.value(Counter.ghostHits),
      compactions: counters.value(Counter.compactions),
    },
  };
}

/**
 * Replays a cache trace and prints its miss ratio: read, and on a miss set.
 *
 *   node dist/bench/replay.js --trace FILE.csv.gz -m 64 [--values-times 16] [--threads N] [--promote-hits 1]
 *   node dist/bench/replay.js --trace FILE.csv.gz --server 127.0.0.1:11211 [--values-times 16]
 *
 * The first form measures the store alone, the second any memcached server.
 */
import { parseArgs } from "node:util";
import { MIB } from "../src/base/unit.ts";
import { replaySocket } from "./replay/socket-target.ts";
import { replayStore } from "./replay/store-target.ts";
import { readTrace } from "./replay/trace.ts";

const { values } = parseArgs({
  options: {
    trace: { type: "string" },
    memory: { type: "string", short: "m", default: "64" },
    "values-times": { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    server: { type: "string" },
    requests: { type: "string", default: "1000000000" },
    "item-size-max": { type: "string", default: String(MIB) },
    "promote-hits": { type: "string", default: "1" },
  },
});
if (values.trace === undefined) {
  console.error("replay: --trace FILE.csv.gz is needed");
  process.exit(64);
}
const itemBytesMax = Number(values["item-size-max"]);
const trace = readTrace(values.trace, Number(values["values-times"]), Number(values.requests));
const outcome =
  values.server === undefined
    ? replayStore(trace, {
        mib: Number(values.memory),
        threads: Number(values.threads),
        itemBytesMax,
        promoteHits: Number(values["promote-hits"]),
      })
    : await replaySocket(trace, values.server, itemBytesMax);
const target = values.server ?? `store, ${values.threads} shard(s), ${values.memory} MiB`;
console.log(
  JSON.stringify({
    trace: values.trace.split("/").at(-1),
    valuesTimes: Number(values["values-times"]),
    target,
    missRatio: Number((outcome.misses / outcome.requests).toFixed(5)),
    ...outcome,
  }),
);

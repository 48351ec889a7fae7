/**
 * What looking at a node costs the primary: the frame of each second, a scrape, the slab map, a
 * page of keys. None of it runs in a worker.
 */
import { KeyBrowser } from "../../src/admin/key-browser.ts";
import { memcachedMetrics, ScrapedStats } from "../../src/admin/memcached-metrics.ts";
import { ownMetrics } from "../../src/admin/own-metrics.ts";
import { Sampler } from "../../src/admin/sampler.ts";
import { slabMap } from "../../src/admin/slab-map.ts";
import { SimulatedNode } from "../../test/support/simulated-node.ts";
import type { MicroBench } from "./micro-bench.ts";

const SECONDS_OF_LOAD = 5;
const REQUESTS_PER_SECOND = 5000;
const PAGE_KEYS = 100;

let simulated: SimulatedNode;
let sampler: Sampler;
let ticks = 0;
const prepare = (): void => {
  simulated = new SimulatedNode({ seed: 9, threads: 4 });
  for (let second = 0; second < SECONDS_OF_LOAD; second++) simulated.second(REQUESTS_PER_SECOND);
  sampler = new Sampler(simulated.node.view, 0);
};

export default [
  {
    name: "admin: the frame of a second, 4 workers, 512 slabs",
    iterations: { smoke: 2, full: 100 },
    prepare,
    run(iterations) {
      for (let i = 0; i < iterations; i++) {
        ticks++;
        sampler.tick(ticks * 1000, 1_700_000_000 + ticks);
      }
      return sampler.frame().items;
    },
  },
  {
    name: "admin: reading every metric of a scrape",
    iterations: { smoke: 1, full: 20 },
    prepare,
    run(iterations) {
      const stats = new ScrapedStats(simulated.node.view);
      const source = { view: simulated.node.view, frame: () => sampler.frame(), version: "0" };
      const metrics = [...memcachedMetrics(stats), ...ownMetrics(source)];
      let lines = 0;
      for (let i = 0; i < iterations; i++) {
        stats.refresh();
        for (const metric of metrics) {
          const samples = metric.read();
          lines += typeof samples === "number" ? 1 : samples.length;
        }
      }
      return lines;
    },
  },
  {
    name: "admin: the slab map",
    iterations: { smoke: 2, full: 200 },
    prepare,
    run(iterations) {
      let bytes = 0;
      for (let i = 0; i < iterations; i++) {
        bytes += slabMap(simulated.node.view).shards[0]?.cells.length ?? 0;
      }
      return bytes;
    },
  },
  {
    name: "admin: a page of 100 keys",
    iterations: { smoke: 2, full: 200 },
    prepare,
    run(iterations) {
      const browser = new KeyBrowser(simulated.node.view, simulated.readers);
      let keys = 0;
      for (let i = 0; i < iterations; i++) {
        keys += browser.page(Buffer.alloc(0), "", PAGE_KEYS)?.keys.length ?? 0;
      }
      return keys;
    },
  },
] satisfies MicroBench[];

/**
 * Figures of a real server against a second source: what the test itself has counted, what a walk
 * over all keys finds (lru_crawler metadump), and what the operating system says. `stats`, metrics
 * and the page's frame must agree with it, and so with each other.
 */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Frame } from "../../src/admin/frame.ts";
import { roundUp } from "../../src/base/unit.ts";
import { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const KEYS = 300;
const CONNECTIONS = 7;
const ITEM_HEADER_BYTES = 24;
const MEMCACHED_HEADER_BYTES = 56;

let server: TestServer;
let url: URL;
const clients: WireClient[] = [];
/** The test's own count. */
const counted = {
  cmd_get: 0,
  get_hits: 0,
  get_misses: 0,
  cmd_set: 0,
  delete_hits: 0,
  delete_misses: 0,
  incr_hits: 0,
  incr_misses: 0,
  cmd_touch: 0,
  touch_hits: 0,
  touch_misses: 0,
};
/** Of the items that are left: what they take of the memory that -m limits, and how many they are. */
let itemBytes = 0;
let stored = 0;

beforeAll(async () => {
  server = await TestServer.start({
    implementation: "shardcached",
    threads: 2,
    transport: "native",
    ownArgs: ["--admin-listen", "127.0.0.1:0"],
  });
  const shown = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(server.stderr)?.[0];
  await until(() => shown() !== undefined);
  url = new URL(shown() as string);
  for (let each = 0; each < CONNECTIONS; each++) clients.push(await WireClient.connect(server));
  await play();
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await server.stop();
});

/** Some of everything, over all connections. */
async function play(): Promise<void> {
  for (let key = 0; key < KEYS; key++) {
    const client = clients[key % CONNECTIONS] as WireClient;
    const value = String(key % 10).repeat(1 + ((key * 37) % 2000));
    await client.ask(`set k${key} 0 0 ${value.length}\r\n${value}\r\n`, "STORED\r\n");
    counted.cmd_set++;
    await client.ask(`get k${key}\r\n`, `VALUE k${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`);
    counted.get_hits++;
    await client.ask(`get no${key}\r\n`, "END\r\n");
    counted.get_misses++;
    if (key % 3 === 0) {
      await client.ask(`delete k${key}\r\n`, "DELETED\r\n");
      counted.delete_hits++;
      await client.ask(`delete k${key}\r\n`, "NOT_FOUND\r\n");
      counted.delete_misses++;
    } else {
      itemBytes += roundUp(ITEM_HEADER_BYTES + `k${key}`.length + value.length, 8);
      stored++;
      await client.ask(`touch k${key} 0\r\n`, "TOUCHED\r\n");
      await client.ask(`touch no${key} 0\r\n`, "NOT_FOUND\r\n");
      counted.touch_hits++;
      counted.touch_misses++;
      counted.cmd_touch += 2;
    }
    await client.ask(`incr no${key} 1\r\n`, "NOT_FOUND\r\n");
    counted.incr_misses++;
  }
  counted.cmd_get = counted.get_hits + counted.get_misses;
}

async function stats(list = ""): Promise<Record<string, number>> {
  const [client] = clients as [WireClient];
  await client.send(list === "" ? "stats\r\n" : `stats ${list}\r\n`);
  const text = await client.readThrough("END\r\n");
  const lines = [...text.matchAll(/^STAT (\S+) (.*)\r$/gm)] as unknown as string[][];
  return Object.fromEntries(lines.map(([, name, value]) => [name as string, Number(value)]));
}

async function metrics(): Promise<Map<string, number>> {
  const text = await (await fetch(new URL("metrics", url))).text();
  const samples = [...text.matchAll(/^([^#\s]+) (\S+)$/gm)] as unknown as string[][];
  return new Map(samples.map(([, name, value]) => [name as string, Number(value)]));
}

async function frame(): Promise<Frame> {
  return (await (await fetch(new URL("api/v1/overview", url))).json()) as Frame;
}

/** Every key there is, with its size as metadump tells it. */
async function walk(): Promise<number[]> {
  const client = await WireClient.connect(server);
  await client.send("lru_crawler metadump all\r\n");
  const text = await client.readThrough("END\r\n");
  client.destroy();
  return [...text.matchAll(/^key=.* size=(\d+)/gm)].map(([, size]) => Number(size));
}

/** The sum of all samples of a metric whose labels have all of these. */
function sum(of: Map<string, number>, name: string, ...labels: string[]): number {
  let all = 0;
  for (const [sample, value] of of) {
    if (!sample.startsWith(`${name}{`) && sample !== name) continue;
    if (labels.every((label) => sample.includes(label))) all += value;
  }
  return all;
}

describe("stats", () => {
  test("counts commands as the client does", async () => {
    expect(await stats()).toMatchObject(counted);
  });

  test("counts items and bytes as a walk over all of them does", async () => {
    const sizes = await walk();
    const { curr_items, bytes, limit_maxbytes } = await stats();
    expect(sizes).toHaveLength(stored);
    expect(curr_items).toBe(stored);
    expect(bytes).toBe(itemBytes);
    // metadump tells sizes as memcached counts them: a longer header, no padding.
    const dumped = sizes.reduce((all, size) => all + size, 0);
    expect(Math.abs(dumped - itemBytes) / stored).toBeLessThan(MEMCACHED_HEADER_BYTES);
    expect(bytes).toBeLessThan(limit_maxbytes as number);
  });

  test("tells the process as the operating system does", async () => {
    const { pid, threads, curr_connections, rusage_user, uptime } = await stats();
    expect(pid).toBe(server.pid);
    expect(threads).toBe(2);
    expect(curr_connections).toBe(CONNECTIONS);
    const times = readFileSync(`/proc/${server.pid}/stat`, "latin1").split(") ")[1]?.split(" ");
    const seconds = Number(times?.[11]) / 100;
    expect(rusage_user as number).toBeLessThanOrEqual(seconds + 0.5);
    expect(rusage_user as number).toBeGreaterThan(seconds / 2 - 0.5);
    expect(uptime as number).toBeLessThan(600);
  });

  test("adds up: classes, workers and families are the whole", async () => {
    const [all, items, workers, latency] = [
      await stats(),
      await stats("items"),
      await stats("workers"),
      await stats("latency"),
    ];
    const total = (of: Record<string, number> | undefined, pattern: RegExp): number =>
      Object.entries(of ?? {})
        .filter(([name]) => pattern.test(name))
        .reduce((added, [, value]) => added + value, 0);
    expect(total(items, /^items:\d+:number$/)).toBe(all?.["curr_items"]);
    expect(total(workers, /^\d+:cmd_get$/)).toBe(counted.cmd_get);
    expect(total(workers, /^\d+:cmd_set$/)).toBe(counted.cmd_set);
    // Latencies come from samples that are weighted: near, and never many times too much.
    expect(total(latency, /^get:count$/)).toBeLessThan(3 * counted.cmd_get);
  });
});

describe("metrics", () => {
  test("are the figures of stats, under the exporter's names", async () => {
    const seen = await metrics();
    const of = (command: string, status: string): number =>
      sum(seen, "memcached_commands_total", `command="${command}"`, `status="${status}"`);
    expect(of("get", "hit")).toBe(counted.get_hits);
    expect(of("get", "miss")).toBe(counted.get_misses);
    expect(of("delete", "hit")).toBe(counted.delete_hits);
    expect(of("delete", "miss")).toBe(counted.delete_misses);
    expect(of("incr", "miss")).toBe(counted.incr_misses);
    expect(of("touch", "hit")).toBe(counted.touch_hits);
    const { bytes, curr_items } = await stats();
    expect(sum(seen, "memcached_current_bytes")).toBe(bytes);
    expect(sum(seen, "memcached_current_items")).toBe(curr_items);
    expect(sum(seen, "shardcached_shard_items")).toBe(curr_items);
    expect(sum(seen, "shardcached_shard_bytes")).toBe(bytes);
    expect(sum(seen, "shardcached_queue_items")).toBe(curr_items);
    expect(sum(seen, "shardcached_worker_connections")).toBe(CONNECTIONS);
    expect(seen.has('shardcached_worker_turns_total{worker="primary"}')).toBe(false);
  });

  test("tell the process as the operating system does", async () => {
    const seen = await metrics();
    const open = readdirSync(`/proc/${server.pid}/fd`).length;
    expect(Math.abs(sum(seen, "memcached_process_open_fds") - open)).toBeLessThan(8);
    const resident = sum(seen, "memcached_process_resident_memory_bytes");
    expect(resident / server.residentBytes()).toBeGreaterThan(0.8);
    expect(resident / server.residentBytes()).toBeLessThan(1.25);
    const parts = sum(seen, "shardcached_memory_bytes");
    expect(parts / resident).toBeGreaterThan(0.8);
    expect(parts / resident).toBeLessThan(1.25);
  });
});

describe("the page's frame", () => {
  test("has the items, bytes and connections that stats has", async () => {
    const { bytes, curr_items } = await stats();
    await until(async () => (await frame()).items === curr_items);
    const seen = await frame();
    expect(seen.queues.reduce((all, queue) => all + queue.items, 0)).toBe(curr_items);
    expect(seen.queues.reduce((all, queue) => all + queue.bytes, 0)).toBe(bytes);
    expect(seen.workers.reduce((all, worker) => all + worker.items, 0)).toBe(curr_items);
    expect(seen.workers.reduce((all, worker) => all + worker.bytes, 0)).toBe(bytes);
    expect(seen.connections).toBe(CONNECTIONS);
    expect(seen.workers.reduce((all, worker) => all + worker.connections, 0)).toBe(CONNECTIONS);
  });

  test("tells rates of the last second as the client makes them", async () => {
    const [client] = clients as [WireClient];
    const totals = { asked: 0, shown: 0 };
    let last = (await frame()).time;
    const end = Date.now() + 5000;
    const began = (await stats())["cmd_get"] as number;
    while (Date.now() < end) {
      for (let each = 0; each < 20; each++) {
        await client.ask("get none\r\n", "END\r\n");
        totals.asked++;
      }
      const { time, rates } = await frame();
      if (time !== last) totals.shown += rates.misses * (time - last);
      last = time;
    }
    expect(((await stats())["cmd_get"] as number) - began).toBe(totals.asked);
    // The first and the last second are seen in part.
    expect(totals.shown / totals.asked).toBeGreaterThan(0.5);
    expect(totals.shown / totals.asked).toBeLessThan(1.6);
  });
});

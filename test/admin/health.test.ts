/**
 * What a real server says of itself under loads whose state is known, because the test makes them.
 */
import { afterEach, describe, expect, test } from "vitest";
import type { Frame } from "../../src/admin/frame.ts";
import { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const LOAD_SECONDS = 8;

let server: TestServer | null = null;

afterEach(async () => {
  await server?.stop();
  server = null;
});

class Node {
  readonly #url: URL;
  readonly client: WireClient;
  /** The test's own count of hits and misses. */
  hits = 0;
  misses = 0;

  private constructor(url: URL, client: WireClient) {
    this.#url = url;
    this.client = client;
  }

  static async start(args: readonly string[]): Promise<Node> {
    server = await TestServer.start({
      implementation: "shardcached",
      threads: 2,
      transport: "native",
      args,
      ownArgs: ["--admin-listen", "127.0.0.1:0"],
    });
    const started = server;
    const url = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(started.stderr)?.[0];
    await until(() => url() !== undefined);
    return new Node(new URL(url() as string), await WireClient.connect(started));
  }

  async frame(): Promise<Frame> {
    return (await (await fetch(new URL("api/v1/overview", this.#url))).json()) as Frame;
  }

  async get(key: string): Promise<boolean> {
    await this.client.send(`get ${key}\r\n`);
    const found = (await this.client.readThrough("END\r\n")).startsWith("VALUE");
    if (found) this.hits++;
    else this.misses++;
    return found;
  }

  async set(key: string, bytes: number): Promise<void> {
    const value = "v".repeat(bytes);
    await this.client.ask(`set ${key} 0 0 ${bytes}\r\n${value}\r\n`, "STORED\r\n");
  }
}

/** Does `step` again and again for a while. */
async function play(seconds: number, step: (at: number) => Promise<unknown>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (let at = 0; Date.now() < end; at++) await step(at);
}

describe("the sentence", () => {
  test("is calm about 40 values of 200 kB in -m 16, seven of ten requests reads", async () => {
    const node = await Node.start(["-m", "16", "-I", "300k"]);
    let random = 7;
    const next = (below: number): number => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      return (random >>> 8) % below;
    };
    for (let key = 0; key < 40; key++) await node.set(`k${key}`, 200_000);
    node.hits = 0;
    await play(LOAD_SECONDS, () => {
      const key = `k${next(40)}`;
      return next(10) < 7 ? node.get(key) : node.set(key, 200_000);
    });
    const { health, misses } = await node.frame();
    const missed = node.misses / (node.hits + node.misses);
    // Whatever the store evicts of what would fit: what costs nobody hits is no alarm.
    if (missed < 0.01) expect(health, JSON.stringify(misses)).toMatchObject({ level: "ok" });
    else expect(health.level).not.toBe("bad");
    expect(health.sentence).toMatch(/\(last (minute|\d+ s)\)\.$/);
    node.client.destroy();
  }, 60_000);

  test("names the memory when most reads are for what was evicted", async () => {
    const node = await Node.start(["-m", "8", "-I", "300k"]);
    await play(LOAD_SECONDS, async (at) => {
      const key = `k${at % 60}`; // 12 MB of values, again and again
      if (!(await node.get(key))) await node.set(key, 200_000);
    });
    const frame = await node.frame();
    expect(node.misses / (node.hits + node.misses)).toBeGreaterThan(0.2);
    expect(frame.health, JSON.stringify(frame.misses)).toMatchObject({ level: "bad" });
    expect(frame.health.sentence).toMatch(/^Short of memory/);
    // One figure, in the sentence and on the page.
    const age = /evicted (\S+ \S+) after/.exec(frame.health.cause)?.[1];
    expect(age).toBe(`${Number(frame.ages.evicted.toPrecision(3))} s`);
    node.client.destroy();
  }, 60_000);

  test("names keys that nobody stores, and a flush", async () => {
    const node = await Node.start(["-m", "64"]);
    for (let key = 0; key < 50; key++) await node.set(`page:${key}`, 100);
    await play(LOAD_SECONDS, async (at) => {
      await node.get(`page:${at % 50}`);
      await node.get(`page:${(at + 7) % 50}`);
      await node.get(`feature_flags:${at % 3}`);
    });
    const before = await node.frame();
    expect(before.health.sentence).toMatch(/^Asked for in vain/);
    expect(before.health.cause).toContain("feature_flags:");
    expect(before.misses.neverStored).toBeGreaterThan(before.misses.other);
    await node.client.ask("flush_all\r\n", "OK\r\n");
    await play(3, (at) => node.get(`page:${at % 50}`));
    await until(async () => /^Filling again/.test((await node.frame()).health.sentence));
    expect((await node.frame()).health.cause).toMatch(/^Everything was flushed \d+ s ago/);
    node.client.destroy();
  }, 60_000);
});

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { CLUSTER_LIST_BYTES_MAX } from "../../../src/command/limits.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { CLUSTER_BLOCK_BYTES, ClusterBlock } from "../../../src/memory/cluster-block.ts";

const BASE = 128;

function block(): { buffer: SharedArrayBuffer; block: ClusterBlock } {
  const buffer = new SharedArrayBuffer(BASE + CLUSTER_BLOCK_BYTES);
  return { buffer, block: new ClusterBlock(new Arena(buffer), BASE) };
}

describe("ClusterBlock", () => {
  test("has no list at first", () => {
    expect(block().block.read()).toBeNull();
  });

  test("gives each list to whoever reads after it was published", () => {
    const { buffer, block: writer } = block();
    const reader = new ClusterBlock(new Arena(buffer), BASE);
    for (const list of ["1\na||1\n", "2\na||1 b||2\n", "3\nc||3\n"]) {
      writer.publish(Buffer.from(list));
      expect(reader.read()?.toString()).toBe(list);
    }
  });

  test("takes the longest list, and a copy stays as it was", () => {
    const { block: own } = block();
    const longest = Buffer.alloc(CLUSTER_LIST_BYTES_MAX, "x");
    own.publish(longest);
    const copy = own.read();
    own.publish(Buffer.from("y"));
    own.publish(Buffer.from("z"));
    expect(copy?.equals(longest)).toBe(true);
    expect(() => own.publish(Buffer.alloc(CLUSTER_LIST_BYTES_MAX + 1))).toThrow("fits its half");
  });

  test("never gives half of one list and half of another", async () => {
    const { buffer, block: reader } = block();
    // Another thread publishes lists of one repeated letter, as fast as it can.
    const source = `
      const { parentPort, workerData } = require("node:worker_threads");
      const words = new Int32Array(workerData.buffer);
      const bytes = new Uint8Array(workerData.buffer);
      const word = workerData.base >>> 2;
      for (let generation = 1; Atomics.load(words, 0) === 0; generation++) {
        const half = generation & 1;
        const length = 1000 + (generation * 37) % 5000;
        const start = workerData.base + 64 + half * workerData.most;
        bytes.fill(97 + (generation % 26), start, start + length);
        words[word + 1 + half] = length;
        Atomics.store(words, word, generation);
      }
      parentPort.postMessage("done");
    `;
    const worker = new Worker(source, {
      eval: true,
      workerData: { buffer, base: BASE, most: CLUSTER_LIST_BYTES_MAX },
    });
    const ended = once(worker, "exit");
    let lists = 0;
    const seen = new Set<number>();
    while (lists < 20_000 || seen.size < 2) {
      const list = reader.read();
      if (list === null) {
        await new Promise(setImmediate);
        continue;
      }
      lists += 1;
      seen.add(list[0] as number);
      if (lists % 100 === 0) await new Promise(setImmediate);
      expect(list.every((byte) => byte === list[0])).toBe(true);
    }
    Atomics.store(new Int32Array(buffer), 0, 1);
    await ended;
    expect(seen.size).toBeGreaterThan(1);
  });
});

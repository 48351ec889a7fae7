import { describe, expect, test } from "vitest";
import { HotKeyFrames } from "../../../src/admin/hot-key-frames.ts";
import { Sampler } from "../../../src/admin/sampler.ts";
import { bar, runTop, screen } from "../../../src/admin/top.ts";
import { SketchKind } from "../../../src/memory/observation.ts";
import { SimulatedNode } from "../../support/simulated-node.ts";

describe("bar()", () => {
  for (const [share, expected] of [
    [0, "    "],
    [0.5, "██  "],
    [1, "████"],
    [0.03125, "▏   "],
    [7, "████"],
    [-1, "    "],
  ] as const) {
    test(`${share} of four columns is "${expected}"`, () => {
      expect(bar(share, 4)).toBe(expected);
    });
  }
});

describe("screen()", () => {
  test("shows health, rates, every worker and the hottest keys", () => {
    const simulated = new SimulatedNode({ seed: 2, threads: 3 });
    const { view } = simulated.node;
    const sampler = new Sampler(view, 0);
    simulated.second(6000);
    sampler.tick(1000, 1_700_000_000);
    const keys = new HotKeyFrames(view).list(SketchKind.requests);
    const lines = screen(sampler.frame(), keys.slice(0, 5), 110, (_, text) => text);
    const text = lines.join("\n");
    expect(lines[0]).toMatch(/^● \w/);
    expect(text).toMatch(/requests \d+(\.\d+)? k\/s/);
    expect(lines.filter((line) => /^ {5}[012] {2}/.test(line))).toHaveLength(3);
    expect(text).toContain(keys[0]?.text);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(112);
  });

  test("wraps the sentence where the terminal is narrow", () => {
    const { view } = new SimulatedNode({ seed: 2, threads: 1 }).node;
    const frame = new Sampler(view, 0).frame();
    const lines = screen(frame, [], 30, (_, text) => text);
    const sentence = lines.slice(0, lines.indexOf(""));
    expect(sentence.join(" ")).toBe(`● ${frame.health.sentence}`);
    for (const line of sentence) expect(line.length).toBeLessThan(30);
  });
});

describe("runTop()", () => {
  test("wrong arguments are a usage error", async () => {
    expect(await runTop(["--what"])).toBe(64);
    expect(await runTop(["-n", "many"])).toBe(64);
  });

  test("a node that is not there is 69", async () => {
    expect(await runTop(["http://127.0.0.1:9", "-n", "1"])).toBe(69);
  });
});

import { describe, expect, test } from "vitest";
import { HotKeyFrames } from "../../../src/admin/hot-key-frames.ts";
import { Sampler } from "../../../src/admin/sampler.ts";
import { bar, charColumns, runTop, screen } from "../../../src/admin/top.ts";
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

  describe("at every width from 30 to 160 columns", () => {
    const simulated = new SimulatedNode({ seed: 2, threads: 5 });
    const { view } = simulated.node;
    const sampler = new Sampler(view, 0);
    simulated.put("a-key-that-is-longer-than-many-a-terminal-is-wide".repeat(4), 50_000);
    simulated.put("缓存:用户:一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十", 60_000);
    simulated.second(6000);
    sampler.tick(1000, 1_700_000_000);
    const frames = new HotKeyFrames(view);
    const columnsOf = (line: string): number =>
      [...line].reduce((sum, char) => sum + charColumns(char.codePointAt(0) as number), 0);
    const plain = (_: string, text: string): string => text;

    for (const [by, kind, heads] of [
      ["requests", SketchKind.requests, ["req/s", "size", "bytes/s", "misses/s"]],
      ["bytes", SketchKind.bytes, ["bytes/s", "size", "misses/s"]],
      ["misses", SketchKind.misses, ["misses/s", "size"]],
      ["largest", SketchKind.largest, ["size", "seen"]],
      ["prefixes", SketchKind.prefixes, ["req/s", "bytes/s", "misses/s"]],
    ] as const) {
      test(`${by}: no line is too long, nothing is cut without an ellipsis`, () => {
        const keys = frames.list(kind);
        const names = keys.map(({ text }) => text);
        let shownAtLast = 0;
        for (let columns = 30; columns <= 160; columns++) {
          const lines = screen(sampler.frame(), keys, columns, plain, { by, help: true });
          for (const line of lines) expect(columnsOf(line), line).toBeLessThan(columns);
          const table = lines.slice(lines.findLastIndex((line) => /key|value|prefix/.test(line)));
          const head =
            lines.find((line) => /^(hot key|key by|missed|largest|prefix)/.test(line)) ?? "";
          const shown = head.split(/\s{2,}/).slice(1);
          // Whole columns, the first ones, and never fewer than in a narrower terminal.
          expect(shown).toEqual(heads.slice(0, shown.length));
          expect(shown.length).toBeGreaterThanOrEqual(shownAtLast);
          shownAtLast = shown.length;
          expect(table.length).toBeGreaterThan(0);
          for (const [at, name] of names.entries()) {
            const row = lines[lines.indexOf(head) + 1 + at] as string;
            expect(columnsOf(row)).toBe(columnsOf(head));
            const begin = row.split(/…| {2,}/)[0] as string;
            expect(name.startsWith(begin.trimEnd()), row).toBe(true);
            if (!row.includes("…")) expect(row.startsWith(name), row).toBe(true);
          }
        }
        expect(shownAtLast).toBe(heads.length);
      });
    }

    test("the keys are told at the bottom, and all of them after ?", () => {
      const { 0: hint, length } = screen(sampler.frame(), [], 80, plain).slice(-1);
      expect([hint, length]).toEqual(["q end   ? keys", 1]);
      const help = screen(sampler.frame(), [], 80, plain, { by: "requests", help: true });
      expect(help.slice(-3).join("; ")).toBe("q  end; h  next list of hot keys; ?  this, or not");
    });
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

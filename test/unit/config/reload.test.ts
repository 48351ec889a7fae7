import { describe, expect, test } from "vitest";
import { reloadOf } from "../../../src/config/reload.ts";
import { loadFrom } from "./load-from.ts";

describe("reloadOf()", () => {
  for (const [before, after, live, waiting] of [
    ["threads = 2", "threads = 2", [], []],
    ["", "verbosity = 2", ["verbosity"], []],
    ["-v", "-vv", ["verbosity"], []],
    ["", "memory-limit = 1g\nverbosity = 1", ["verbosity"], ["memory-limit"]],
    ["port = 1", "port = 2", [], ["port", "listen"]],
    ["extended = idle_timeout=5", "", [], ["extended"]],
  ] as const) {
    test(`from "${before}" to "${after}": now ${live.join() || "-"}, later ${waiting.join() || "-"}`, () => {
      const settings = (text: string) =>
        loadFrom({ args: ["--config", "a.conf"], files: { "a.conf": text } }).settings;
      expect(reloadOf(settings(before), settings(after))).toEqual({ live, waiting });
    });
  }
});

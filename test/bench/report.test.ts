import { describe, expect, test } from "vitest";
import { splitCores } from "../../bench/compare/cores.ts";
import { plotsOf, replaceMeasured } from "../../bench/compare/document.ts";
import { busyShare, compareTables } from "../../bench/compare/document-tables.ts";
import { historyLine, regressions } from "../../bench/compare/history.ts";
import { parsePeer, shardcachedPeer } from "../../bench/compare/peers.ts";
import type { CompareResult, Sample } from "../../bench/compare/results.ts";
import { crossings, sumWorkerStats } from "../../bench/compare/server-stats.ts";
import { describeMachine, ownVersion } from "../../bench/report/machine.ts";
import { barChart, escapeXml, lineChart, ticks } from "../../bench/report/svg.ts";
import { compactNumber, duration, markdownTable, renderTable } from "../../bench/report/table.ts";

const TAIL = { p50: 100, p90: 200, p99: 300, p999: 400, max: 500 };

function samples(cpu: readonly number[]): Sample[] {
  return cpu.map((one) => ({
    ...TAIL,
    cpu: one,
    generatorCpu: 4,
    throughput: 200_000,
    utilization: 0.9,
    errors: 0,
  }));
}

/**
 * A comparison in which the machine slows down and shardcached costs 0.8 of memcached throughout.
 */
function comparison(factor = 0.8): CompareResult {
  const memcached = [5, 6, 7, 8, 9];
  const mine = memcached.map((value) => value * factor);
  const lines = [{ figure: "cpu", title: "single", must: 0.9, aim: 0.7 }] as const;
  return {
    machine: describeMachine(),
    versions: { shardcached: "0.1.0", memcached: "1.6.18" },
    reference: "memcached",
    rounds: 5,
    windowSeconds: 0.2,
    rows: [
      {
        name: "single",
        lines,
        rate: 0,
        cells: [
          { server: "shardcached", samples: samples(mine), tail: TAIL, problem: null },
          { server: "memcached", samples: samples(memcached), tail: TAIL, problem: null },
        ],
      },
      {
        name: "open",
        lines: [{ figure: "p99", title: "tail", must: 1, aim: 0.5 }],
        rate: 50_000,
        cells: [
          { server: "shardcached", samples: [], tail: TAIL, problem: "it ended" },
          { server: "memcached", samples: samples(memcached), tail: TAIL, problem: null },
        ],
      },
    ],
    threads: [
      {
        server: "shardcached",
        threads: 8,
        cpu: [5.5, 5.6],
        ratios: [1.1, 1.12],
        crossings: { direct: 0.875, sent: 0.0875, onLoan: 0.03, woken: 0.01, turns: 0.2 },
      },
    ],
    memory: [
      { server: "shardcached", emptyBytes: 50e6, bytesPerItem: 150 },
      { server: "memcached", emptyBytes: 5e6, bytesPerItem: 200 },
    ],
  };
}

describe("compareTables()", () => {
  for (const style of ["text", "markdown"] as const) {
    test(`shows ratio, spread and verdict, as ${style}`, () => {
      const text = compareTables(comparison(), style);
      expect(text).toContain("0.800 ± 0.000");
      expect(text).toMatch(/single.*pass/);
      expect(text).toContain("0.750");
      expect(text).toContain("it ended");
      expect(text).toContain("87.5 %");
    });
  }

  for (const [factor, verdict] of [
    [0.69, "aim"],
    [0.95, "MISS"],
  ] as const) {
    test(`a ratio of ${factor} is "${verdict}"`, () => {
      expect(compareTables(comparison(factor), "text")).toMatch(new RegExp(`single.*${verdict}`));
    });
  }
});

describe("a machine that was busy with other work", () => {
  test("is told from the use of the processors, with a warning", () => {
    const result = comparison();
    expect(busyShare(result)).toBeCloseTo(0.9, 9);
    expect(compareTables(result, "text")).not.toContain("Others kept");
    for (const { cells } of result.rows) {
      for (const { samples: list } of cells) for (const one of list) one.utilization = 0.3;
    }
    for (const { cells } of result.rows) {
      for (const { samples: list } of cells) for (const one of list) one.throughput = 50_000;
    }
    expect(busyShare(result)).toBeCloseTo(0.3, 9);
    expect(compareTables(result, "text")).toContain("Others kept");
  });
});

describe("replaceMeasured()", () => {
  test("replaces what stands between the marks, and nothing else", () => {
    const first = replaceMeasured("# Title\n\nBefore.\n", "one");
    const second = replaceMeasured(`${first}\nAfter.\n`, "two");
    expect(second).toContain("Before.");
    expect(second).toContain("After.");
    expect(second).toContain("two");
    expect(second).not.toContain("one");
    expect(second.match(/measured: begin/g)).toHaveLength(1);
  });
});

test("plotsOf() draws every plot the result has data for", () => {
  const plots = plotsOf(comparison());
  expect(plots.map(([name]) => name)).toEqual(["cpu.svg", "latency.svg", "threads.svg"]);
  for (const [, svg] of plots) {
    expect(svg).toMatch(/^<svg .*<\/svg>$/s);
    expect(svg).not.toContain("NaN");
  }
});

describe("regressions()", () => {
  const before = historyLine(comparison(0.8));

  test("none when nothing changed", () => {
    expect(regressions(before, historyLine(comparison(0.8)), { default: 0.05 })).toEqual([]);
  });

  test("none inside the tolerance", () => {
    expect(regressions(before, historyLine(comparison(0.83)), { default: 0.05 })).toEqual([]);
  });

  test("names the row that became worse", () => {
    const found = regressions(before, historyLine(comparison(0.9)), { default: 0.05 });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^single cpu: 0\.8 → 0\.9/);
  });

  test("none where the spread is as large as the change", () => {
    const after = historyLine(comparison(0.9));
    const row = after.ratios["shardcached"]?.["single cpu"];
    expect(row).toBeDefined();
    if (row !== undefined) row.mad = 0.07;
    expect(regressions(before, after, { default: 0.05 })).toEqual([]);
  });

  test("a tolerance of its own goes before the default", () => {
    const tolerances = { default: 0.05, "single cpu": 0.2 };
    expect(regressions(before, historyLine(comparison(0.9)), tolerances)).toEqual([]);
  });
});

describe("crossings()", () => {
  const list = (gets: number, direct: number) =>
    `STAT 0:cmd_get ${gets}\r\nSTAT 1:cmd_get ${gets}\r\nSTAT 1:reads_direct ${direct}\r\nEND\r\n`;

  test("sums the threads and divides by what was served between the looks", () => {
    const before = sumWorkerStats(list(100, 50));
    const after = sumWorkerStats(list(200, 150));
    expect(crossings(before, after)?.direct).toBe(0.5);
  });

  test("are null for a server that does not say", () => {
    expect(crossings(new Map(), sumWorkerStats("RESET\r\n"))).toBeNull();
  });
});

describe("parsePeer()", () => {
  test("fills in what the run asks", () => {
    const peer = parsePeer("pogo:resp=pogocache -p {port} -t {threads} -m {memory}");
    expect(peer.protocol).toBe("resp");
    const start = { port: 1234, threads: 2, memoryMib: 64, valueBytes: 100 };
    expect(peer.command(start)).toEqual(["pogocache", "-p", "1234", "-t", "2", "-m", "64"]);
  });

  test("has no command for several threads when it cannot be told", () => {
    const start = { port: 1, threads: 2, memoryMib: 64, valueBytes: 100 };
    expect(parsePeer("x=server {port}").command(start)).toBeNull();
  });

  for (const text of ["x", "x=server", "x:http=server {port}", "=server {port}"]) {
    test(`refuses "${text}"`, () => {
      expect(() => parsePeer(text)).toThrow(/peer/);
    });
  }
});

describe("splitCores()", () => {
  for (const [count, server, generator] of [
    [1, [], []],
    [2, [0], [1]],
    [4, [0, 1], [2, 3]],
    [8, [0, 1, 2, 3], [4, 5, 6, 7]],
    [16, Array.from({ length: 12 }, (_, core) => core), [12, 13, 14, 15]],
  ] as const) {
    test(`${count} cores`, () => {
      expect(splitCores(count)).toEqual({ server, generator });
    });
  }
});

describe("tables", () => {
  test("renderTable() pads its columns", () => {
    expect(renderTable(["a", "bb"], [["xyz", "1"]])).toBe("a    bb\n───  ──\nxyz   1");
  });

  test("markdownTable() escapes bars", () => {
    expect(markdownTable(["a"], [["x|y"]])).toBe("| a |\n| --- |\n| x\\|y |");
  });

  for (const [value, text] of [
    [0, "0"],
    [999, "999"],
    [1234, "1.23 k"],
    [1_234_567, "1.23 M"],
    [0.1234, "0.123"],
    [Number.NaN, "–"],
  ] as const) {
    test(`compactNumber(${value}) is "${text}"`, () => {
      expect(compactNumber(value)).toBe(text);
    });
  }

  for (const [value, text] of [
    [83.14, "83.1 µs"],
    [1240, "1.24 ms"],
    [2_100_000, "2.10 s"],
    [Number.NaN, "–"],
  ] as const) {
    test(`duration(${value}) is "${text}"`, () => {
      expect(duration(value)).toBe(text);
    });
  }
});

test("ticks() are round and cover the range", () => {
  expect(ticks(10)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(0.7)).toEqual([0, 0.2, 0.4, 0.6]);
  expect(ticks(0)).toEqual([0]);
});

test("escapeXml() leaves nothing a page would read as markup", () => {
  expect(escapeXml(`<a b="c">&`)).toBe("&lt;a b=&quot;c&quot;&gt;&amp;");
});

test("shardcachedPeer() has our own version, not that of the protocol it follows", () => {
  expect(shardcachedPeer()?.version).toBe(ownVersion());
});

describe("charts", () => {
  /** Wider than any digit of the plots' font. */
  const LETTER_WIDTH = 7.2;

  function cutTexts(svg: string): string[] {
    const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
    const texts = svg.matchAll(/<text x="([\d.]+)"([^>]*)>([^<]*)</g);
    return [...texts].flatMap(([, x, attributes = "", text = ""]) => {
      const length = text.length * LETTER_WIDTH;
      const share = attributes.includes("end") ? 1 : attributes.includes("middle") ? 0.5 : 0;
      const left = Number(x) - length * share;
      return left < 0 || left + length > width ? [text] : [];
    });
  }

  test("no label is cut, however large the numbers", () => {
    const points = [1, 2_500_000, 123_456_789].map((y, x) => [x, y] as const);
    const axes = { title: "t", xUnit: "percent", yUnit: "keys/s" };
    for (const logarithmic of [true, false]) {
      const xNames = ["0", "90", "99.999"];
      const chart = lineChart({ ...axes, logarithmic, xNames, series: [{ name: "s", points }] });
      expect(cutTexts(chart)).toEqual([]);
    }
    const values = [123_456_789];
    const bars = { title: "t", unit: "keys/s", groups: ["g"], series: [{ name: "s", values }] };
    expect(cutTexts(barChart(bars))).toEqual([]);
  });
});

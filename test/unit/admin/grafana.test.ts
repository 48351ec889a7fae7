import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { memcachedMetrics, ScrapedStats } from "../../../src/admin/memcached-metrics.ts";
import { ownMetrics } from "../../../src/admin/own-metrics.ts";
import { processMetrics } from "../../../src/admin/process-metrics.ts";
import { Sampler } from "../../../src/admin/sampler.ts";
import { observedNode } from "../../support/observed-node.ts";

interface Dashboard {
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly type: string;
    readonly gridPos: {
      readonly x: number;
      readonly y: number;
      readonly w: number;
      readonly h: number;
    };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const file = fileURLToPath(new URL("../../../docs/deploy/grafana-dashboard.json", import.meta.url));
const dashboard = JSON.parse(readFileSync(file, "utf8")) as Dashboard;

describe("docs/deploy/grafana-dashboard.json", () => {
  const { view } = observedNode();
  const sampler = new Sampler(view, 0);
  const source = { view, frame: () => sampler.frame(), version: "0" };
  const known = new Set(
    [...memcachedMetrics(new ScrapedStats(view)), ...processMetrics(), ...ownMetrics(source)].map(
      (spec) => spec.name,
    ),
  );

  for (const panel of dashboard.panels) {
    test(`"${panel.title}" asks only for metrics a node has`, () => {
      for (const { expr } of panel.targets) {
        for (const [name] of expr.matchAll(/\b(?:memcached|shardcached)_[a-z_]+/g)) {
          expect(known).toContain(name.replace(/_bucket$/, ""));
        }
      }
    });
  }

  test("tells nodes apart wherever it does not add them up", () => {
    const alone = dashboard.panels.flatMap(({ title, type, targets }) =>
      targets
        .filter(({ expr, legendFormat }) => {
          const added = /^(histogram_quantile\([\d.]+, )?sum( by \((?!instance)[^)]*\))? ?\(/.test(
            expr,
          );
          return !added && type !== "table" && !legendFormat.includes("{{instance}}");
        })
        .map(({ expr }) => `${title}: ${expr}`),
    );
    expect(alone).toEqual([]);
    // Forty nodes of eight workers are 320 lines: a panel with a line a worker, or a key, has ten.
    for (const { title, targets } of dashboard.panels) {
      for (const { expr, legendFormat } of targets) {
        if (!/{{(worker|rank)}}/.test(legendFormat)) continue;
        expect(expr.startsWith("topk(10, "), title).toBe(true);
      }
    }
  });

  test("has a table with a line a node", () => {
    const table = dashboard.panels.find(({ type }) => type === "table");
    expect(table?.title).toBe("Nodes");
    for (const { expr } of table?.targets ?? []) expect(expr).toMatch(/by \(instance/);
  });

  test("has no panel upon another", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { memcachedMetrics, ScrapedStats } from "../../../src/admin/memcached-metrics.ts";
import { ownMetrics } from "../../../src/admin/own-metrics.ts";
import { Sampler } from "../../../src/admin/sampler.ts";
import { observedNode } from "../../support/observed-node.ts";

interface Dashboard {
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const file = fileURLToPath(new URL("../../../docs/deploy/grafana-dashboard.json", import.meta.url));
const dashboard = JSON.parse(readFileSync(file, "utf8")) as Dashboard;

describe("docs/deploy/grafana-dashboard.json", () => {
  const { view } = observedNode();
  const sampler = new Sampler(view, 0);
  const source = { view, frame: () => sampler.frame(), version: "0" };
  const known = new Set(
    [...memcachedMetrics(new ScrapedStats(view)), ...ownMetrics(source)].map((spec) => spec.name),
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
});

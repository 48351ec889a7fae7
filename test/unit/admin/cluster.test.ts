import { describe, expect, test } from "vitest";
import { ownerLines, ringLines, statusLines } from "../../../src/admin/cluster-command.ts";
import {
  type ClusterWindow,
  clusterFrame,
  clusterWarning,
} from "../../../src/admin/cluster-frame.ts";
import { clusterMetrics } from "../../../src/admin/cluster-metrics.ts";
import type { ClusterState } from "../../../src/cluster/cluster-state.ts";
import { familyOf } from "../../../src/cluster/mapping/families.ts";

const listed = (host: string) => ({ host, ip: "10.0.0.1", port: 11_211 });

const STATIC: ClusterState = {
  source: "peers a:11211,b:11211",
  list: { version: 7, nodes: [listed("a"), listed("b")], changes: 1, problem: "" },
  membership: null,
};

const ringNode = (slot: number, name: string, state: "serving" | "next" | "gone") => ({
  ...listed(name),
  slot,
  name,
  state,
  weight: 1,
  since: 1,
  at: 1,
  incarnation: "1",
});

const ETCD: ClusterState = {
  source: "etcd://h:2379/web",
  list: { version: 9, nodes: [listed("a"), listed("b")], changes: 3, problem: "" },
  membership: {
    ring: {
      version: 9,
      revision: 12,
      listedAt: 1,
      nodes: [ringNode(2, "c", "next"), ringNode(0, "a", "serving"), ringNode(1, "b", "serving")],
    },
    alive: new Set(["a", "c"]),
    name: "a",
    problem: "etcd cannot be used: ECONNREFUSED",
    isRegistryUp: false,
    silentSeconds: 12,
  },
};

const NOTHING: ClusterState = {
  source: "dns+srv://x",
  list: { version: 0, nodes: [], changes: 0, problem: "x: no SRV records (ENOTFOUND)" },
  membership: null,
};

const windowOf = (state: ClusterState): ClusterWindow => ({
  state: () => state,
  forget: () => Promise.resolve(null),
});

describe("clusterFrame()", () => {
  test("of a list has its nodes in order, and says nothing of their lives", () => {
    const frame = clusterFrame(STATIC);
    expect(frame).toMatchObject({ version: 7, registry: null, self: "", problem: "" });
    expect(frame.nodes.map(({ name, state, alive, slot }) => [slot, name, state, alive])).toEqual([
      [0, "a:11211", "listed", null],
      [1, "b:11211", "listed", null],
    ]);
  });

  test("of etcd has the ring by slot, with who lives", () => {
    const frame = clusterFrame(ETCD);
    expect(frame.registry).toEqual({ up: false, silentSeconds: 12 });
    expect(frame.nodes.map(({ name, state, alive }) => [name, state, alive])).toEqual([
      ["a", "serving", true],
      ["b", "serving", false],
      ["c", "next", true],
    ]);
  });
});

describe("clusterWarning()", () => {
  for (const [state, expected] of [
    [STATIC, ""],
    [ETCD, "warning: cluster for 12 s: etcd cannot be used: ECONNREFUSED; the list is version 9"],
    [NOTHING, "warning: cluster: x: no SRV records (ENOTFOUND); clients are told of no list yet"],
  ] as const) {
    test(`of ${state.source} is "${expected}"`, () => {
      expect(clusterWarning(clusterFrame(state))).toBe(expected);
    });
  }
});

describe("clusterMetrics()", () => {
  const valuesOf = (state: ClusterState) =>
    Object.fromEntries(
      clusterMetrics(windowOf(state)).map(({ name, read }) => [
        name.replace("shardcached_cluster_", ""),
        read(),
      ]),
    );

  test("of etcd count nodes by state", () => {
    expect(valuesOf(ETCD)).toEqual({
      version: 9,
      nodes: [
        { labels: { state: "serving" }, value: 2 },
        { labels: { state: "next" }, value: 1 },
      ],
      nodes_alive: 2,
      list_changes_total: 3,
      source_up: 0,
    });
  });

  test("of a list that is not known are zero", () => {
    expect(valuesOf(NOTHING)).toMatchObject({ version: 0, nodes: [], source_up: 0 });
  });

  test("without a cluster there are none", () => {
    expect(clusterMetrics(null)).toEqual([]);
  });
});

describe("shardcached cluster", () => {
  test("status says who is dead and what is wrong", () => {
    expect(statusLines(clusterFrame(ETCD))).toEqual([
      "source   etcd://h:2379/web",
      "version  9",
      "nodes    2 listed, 1 not",
      "dead     b",
      "this is  a",
      "etcd     away for 12 s",
      "problem  etcd cannot be used: ECONNREFUSED",
    ]);
    expect(statusLines(clusterFrame(NOTHING))[1]).toBe("version  no list is known yet");
  });

  test("ring is a table", () => {
    expect(ringLines(clusterFrame(ETCD).nodes)).toEqual([
      "slot  name  address  ip        weight  state",
      "0     a     a:11211  10.0.0.1  1       serving  alive",
      "1     b     b:11211  10.0.0.1  1       serving  dead",
      "2     c     c:11211  10.0.0.1  1       next     alive",
    ]);
  });

  test("owner asks among the listed alone, one family or all", () => {
    const { nodes } = clusterFrame(ETCD);
    const ketama = familyOf("ketama");
    if (ketama === undefined) throw new Error("ketama is a family");
    const owner = (key: string) => ownerLines(nodes, key, [ketama])[0];
    const owners = new Set(Array.from({ length: 100 }, (_, index) => owner(`key-${index}`)));
    expect([...owners].sort()).toEqual(["a:11211", "b:11211"]);
    expect(ownerLines(nodes, "k", [ketama, ketama])[0]).toMatch(/^ketama +[ab]:11211 +php/);
    expect(() => ownerLines([], "k", [ketama])).toThrow("no list is known yet");
  });
});

import { describe, expect, test } from "vitest";
import {
  advertisedAddress,
  clusterAddressOf,
  listsNodes,
} from "../../../src/config/cluster-options.ts";
import { loadFrom, refusalOf } from "./load-from.ts";

const settingsOf = (flags: string) => loadFrom({ args: flags.split(" ") }).settings;

describe("the cluster's options", () => {
  test("none: no list", () => {
    const { settings } = loadFrom({});
    expect(listsNodes(settings)).toBe(false);
    expect(clusterAddressOf(settings)).toBeNull();
  });

  for (const [flags, kind] of [
    ["--peers a,b", "static"],
    ["--cluster file:///x", "file"],
    ["--cluster dns+srv://a.b", "dns"],
    ["--cluster etcd://h/x -l 10.0.0.1", "etcd"],
    ["--cluster etcd://h/x --cluster-advertise a", "etcd"],
  ] as const) {
    test(`${flags} is a list from ${kind}`, () => {
      const settings = settingsOf(flags);
      expect(listsNodes(settings)).toBe(true);
      expect(clusterAddressOf(settings)?.kind).toBe(kind);
    });
  }

  test("--cluster-advertise without a port has the listener's", () => {
    expect(advertisedAddress(settingsOf("--peers a --cluster-advertise b"), 5)).toEqual({
      host: "b",
      port: 5,
    });
    expect(advertisedAddress(settingsOf("--peers a --cluster-advertise b:6"), 5)?.port).toBe(6);
    expect(advertisedAddress(settingsOf("--peers a"), 5)).toBeNull();
  });

  for (const [flag, seconds] of [
    ["never", 0],
    ["90", 90],
    ["90s", 90],
    ["10m", 600],
    ["2h", 7200],
    ["30d", 2_592_000],
  ] as const) {
    test(`--cluster-forget ${flag} is ${seconds} seconds`, () => {
      const args = ["--peers", "a", "--cluster-forget", flag];
      expect(loadFrom({ args }).settings.clusterForgetSeconds).toBe(seconds);
    });
  }

  for (const [flags, message] of [
    ["--peers a:0", 'Invalid list of nodes: "0" is no port: 1 to 65535 (--peers: got "a:0"'],
    ["--peers=", "Invalid list of nodes: a host is missing (--peers: got"],
    ["--cluster x://y", 'Invalid cluster: "x" is no kind of cluster (--cluster: got "x://y"'],
    ["--cluster-advertise a:b", 'Invalid address to advertise: "b" is no port'],
    ["--cluster-name a/b", 'Invalid name of a node "a/b"'],
    ["--cluster-weight 1001", "Invalid weight of a node (--cluster-weight: got"],
    ["--cluster-weight 0", "Invalid weight of a node (--cluster-weight: got"],
    ["--cluster-forget 31d", "Invalid time to forget a node"],
    ["--cluster-forget 0", "Invalid time to forget a node"],
    ["--drain -1", "Invalid seconds to drain"],
    ["--peers a --cluster file:///x", "Two lists of nodes (--peers: got"],
    ["--cluster-advertise a", "There is no cluster (--cluster-advertise: got"],
    ["--cluster-name a", "There is no cluster (--cluster-name: got"],
    ["--cluster etcd://h/x", "Only this machine reaches this node (--cluster: got"],
    ["--cluster etcd://h/x -l 127.0.0.1,[::1]:5", "Only this machine reaches this node"],
    ["--cluster etcd://h/x -s /tmp/x", "A node of a cluster listens on TCP"],
  ] as const) {
    test(`${flags} is refused in one line that names it`, () => {
      const refusal = refusalOf({ args: flags.split(" ") });
      expect(refusal.message).toContain(message);
      expect(refusal.message).not.toContain("\n");
      expect(refusal.exitCode).toBe(64);
    });
  }

  test("a file and the environment say them too", () => {
    const files = { "/c": "peers = a,b\ndrain = 5\n" };
    expect(loadFrom({ args: ["--config", "/c"], files }).settings).toMatchObject({
      peers: "a,b",
      drainSeconds: 5,
    });
    const environment = { SHARDCACHED_CLUSTER: "dns+srv://a.b" };
    expect(loadFrom({ environment }).settings.cluster).toBe("dns+srv://a.b");
  });
});

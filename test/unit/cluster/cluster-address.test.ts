import { describe, expect, test } from "vitest";
import {
  type ClusterAddress,
  clusterAddressFrom,
  clusterText,
  peersFrom,
} from "../../../src/cluster/cluster-address.ts";

const plainEtcd = { kind: "etcd", user: "", password: "", tls: null } as const;

describe("clusterAddressFrom()", () => {
  for (const [text, expected] of [
    ["file:///etc/nodes", { kind: "file", path: "/etc/nodes" }],
    ["file:///etc/my%20nodes", { kind: "file", path: "/etc/my nodes" }],
    ["dns+srv://_m._tcp.cache.svc", { kind: "dns", name: "_m._tcp.cache.svc", server: "" }],
    [
      "dns+srv://memcached.service.consul?server=127.0.0.1:8600",
      { kind: "dns", name: "memcached.service.consul", server: "127.0.0.1:8600" },
    ],
    ["dns+srv://a.b?server=[::1]:53", { kind: "dns", name: "a.b", server: "[::1]:53" }],
    [
      "etcd://h1,h2:2378,[::1]:1/web",
      {
        ...plainEtcd,
        endpoints: ["http://h1:2379", "http://h2:2378", "http://[::1]:1"],
        cluster: "web",
      },
    ],
    [
      "etcd://me:p%40ss@h1/web?ca=/etc/ca.pem&cert=/c&key=/k",
      {
        kind: "etcd",
        endpoints: ["https://h1:2379"],
        cluster: "web",
        user: "me",
        password: "p@ss",
        tls: { ca: "/etc/ca.pem", cert: "/c", key: "/k" },
      },
    ],
    [
      "etcd://h1/web?tls=yes",
      {
        ...plainEtcd,
        endpoints: ["https://h1:2379"],
        cluster: "web",
        tls: { ca: "", cert: "", key: "" },
      },
    ],
  ] as const) {
    test(`reads ${text}`, () => {
      expect(clusterAddressFrom(text)).toEqual(expected);
    });
  }

  for (const [text, why] of [
    ["", '"" is no URL'],
    ["etcd", '"etcd" is no URL'],
    ["zookeeper://a/b", '"zookeeper" is no kind of cluster'],
    ["file://etc/nodes", "a file's URL has three slashes"],
    ["file:///a%zz", "holds a % that encodes nothing"],
    ["file:///a?x=1", '"x" is no parameter of this URL'],
    ["dns+srv://", '"" is no DNS name'],
    ["dns+srv://a..b", '"a..b" is no DNS name'],
    ["dns+srv://a b", '"a b" is no DNS name'],
    ["dns+srv://a?server=ns1.example", "a name server is an IP address"],
    ["dns+srv://a?server=127.0.0.1:x", '"x" is no port'],
    ["etcd://h1", "an etcd URL is etcd://host,host/name"],
    ["etcd://h1/", '"" is no cluster\'s name'],
    ["etcd://h1/a b", '"a b" is no cluster\'s name'],
    ["etcd:///web", "a host is missing"],
    ["etcd://h1,,h2/web", "a host is missing"],
    ["etcd://h1:99999/web", '"99999" is no port'],
    ["etcd://me@h1/web", "before the @ stand a user and a password"],
    ["etcd://:p@h1/web", "before the @ stand a user and a password"],
    ["etcd://me:%@h1/web", "holds a % that encodes nothing"],
    ["etcd://h1/web?cert=/c", "cert and key go together"],
    ["etcd://h1/web?tls=no", "tls is yes or left out"],
    ["etcd://h1/web?timeout=1", '"timeout" is no parameter'],
    [`etcd://${Array(17).fill("h").join(",")}/web`, "more than 16 members"],
  ] as const) {
    test(`refuses ${text.slice(0, 40)}`, () => {
      expect(clusterAddressFrom(text)).toContain(why);
    });
  }
});

test("peersFrom() says what is wrong with a list", () => {
  expect(peersFrom("a,b")).toMatchObject({ kind: "static" });
  expect(peersFrom("a,a")).toBe("a:11211 is there twice");
});

describe("clusterText()", () => {
  for (const [address, expected] of [
    [peersFrom("a,b:1"), "peers a:11211,b:1"],
    [clusterAddressFrom("file:///x"), "file:///x"],
    [clusterAddressFrom("dns+srv://a.b"), "dns+srv://a.b"],
    [clusterAddressFrom("etcd://me:secret@h1,h2/web"), "etcd://me@h1:2379,h2:2379/web"],
  ] as [ClusterAddress, string][]) {
    test(`gives ${expected}, never a password`, () => {
      expect(clusterText(address)).toBe(expected);
    });
  }
});

import { describe, expect, test } from "vitest";
import {
  addressText,
  listFrom,
  nodeAddressesFrom,
  nodeAddressFrom,
  nodesWarning,
  payloadOf,
} from "../../../src/cluster/node-list.ts";

describe("nodeAddressFrom()", () => {
  for (const [text, host, port] of [
    ["cache-0", "cache-0", 11211],
    ["cache-0.example:11311", "cache-0.example", 11311],
    ["00ab.cache.example:1", "00ab.cache.example", 1],
    ["10.0.0.7", "10.0.0.7", 11211],
    ["::1", "::1", 11211],
    ["[2001:db8::7]:65535", "2001:db8::7", 65535],
    ["my_cache", "my_cache", 11211],
  ] as const) {
    test(`reads "${text}"`, () => {
      expect(nodeAddressFrom(text)).toEqual({ host, port });
    });
  }

  for (const [text, why] of [
    ["", "a host is missing"],
    [":11211", "a host is missing"],
    ["a:", '"" is no port: 1 to 65535'],
    ["a:0", '"0" is no port: 1 to 65535'],
    ["a:65536", '"65536" is no port: 1 to 65535'],
    ["a:1:2", '"1:2" is no port: 1 to 65535'],
    ["a|b", '"a|b" is no host name or address'],
    ["a b", '"a b" is no host name or address'],
    ["a\r\nflush_all", '"a\r\nflush_all" is no host name or address'],
    ["-a", '"-a" is no host name or address'],
    ["1.2.3", '"1.2.3" is no IPv4 address'],
    ["1.2.3.256", '"1.2.3.256" is no IPv4 address'],
    ["[::g]:1", '"::g" is no IPv6 address'],
    ["x".repeat(254), "a host is longer than 253 bytes"],
  ] as const) {
    test(`refuses "${text.slice(0, 20)}"`, () => {
      expect(nodeAddressFrom(text)).toBe(why);
    });
  }
});

describe("nodeAddressesFrom()", () => {
  test("keeps the order", () => {
    expect(nodeAddressesFrom("b:2, a:1")).toEqual([
      { host: "b", port: 2 },
      { host: "a", port: 1 },
    ]);
  });

  for (const [name, text, why] of [
    ["a node named twice", "a,b,a:11211", "a:11211 is there twice"],
    ["an empty place", "a,,b", "a host is missing"],
    ["1,001 nodes", Array.from({ length: 1001 }, (_, i) => `n${i}`).join(","), "1001 nodes are"],
    [
      "more bytes than clients are told",
      Array.from({ length: 300 }, (_, i) => `${"x".repeat(200)}${i}`).join(","),
      "the list is longer than 65536 bytes",
    ],
  ] as const) {
    test(`refuses ${name}`, () => {
      expect(nodeAddressesFrom(text)).toContain(why);
    });
  }

  test("takes 1,000 nodes", () => {
    const text = Array.from({ length: 1000 }, (_, i) => `n${i}`).join(",");
    expect(nodeAddressesFrom(text)).toHaveLength(1000);
  });
});

describe("nodesWarning()", () => {
  const nodes = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ host: `n${index}`, port: 11211 }));

  test("says nothing of 100 nodes", () => {
    expect(nodesWarning(nodes(100))).toBeNull();
  });

  test("names libmemcached's limit for 101", () => {
    expect(nodesWarning(nodes(101))).toMatch(/101 nodes: clients built on libmemcached/);
  });
});

describe("payloadOf()", () => {
  const AWS = "cache.amazonaws.com";
  const nodes = [
    { host: `test1.rtstcw.0001.apne1.${AWS}`, ip: "172.31.12.60", port: 11211 },
    { host: `test1.rtstcw.0002.apne1.${AWS}`, ip: "172.31.3.240", port: 11211 },
    { host: `test1.rtstcw.0003.apne1.${AWS}`, ip: "172.31.10.26", port: 11211 },
  ];

  test("is the 191 bytes of a captured answer", () => {
    const payload = payloadOf(1, nodes);
    expect(payload).toHaveLength(191);
    expect(payload).toBe(
      "1\ntest1.rtstcw.0001.apne1.cache.amazonaws.com|172.31.12.60|11211 " +
        "test1.rtstcw.0002.apne1.cache.amazonaws.com|172.31.3.240|11211 " +
        "test1.rtstcw.0003.apne1.cache.amazonaws.com|172.31.10.26|11211\n",
    );
  });

  test("leaves an unknown address empty, and IPv6 without brackets", () => {
    const text = payloadOf(7, [
      { host: "a", ip: "", port: 1 },
      { host: "::1", ip: "::1", port: 2 },
    ]);
    expect(text).toBe("7\na||1 ::1|::1|2\n");
  });

  test("is read back by listFrom()", () => {
    expect(listFrom(payloadOf(12, nodes))).toEqual({ version: 12, nodes });
  });
});

describe("listFrom()", () => {
  test("takes a carriage return behind the version, as other servers send", () => {
    expect(listFrom("3\r\na|1.2.3.4|5\n")?.nodes).toEqual([{ host: "a", ip: "1.2.3.4", port: 5 }]);
  });

  for (const text of ["", "x\na||1\n", "1\n\n", "1\na|1\n", "1\na||x\n", "1\na||1\nb||2\n"]) {
    test(`takes ${JSON.stringify(text)} for no list`, () => {
      expect(listFrom(text)).toBeNull();
    });
  }
});

test("addressText() brackets IPv6", () => {
  expect(addressText({ host: "::1", port: 5 })).toBe("[::1]:5");
  expect(addressText({ host: "a", port: 5 })).toBe("a:5");
});

import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DnsSource, nodesOfRecords } from "../../../src/cluster/dns-source.ts";
import { FileSource, nodeFileFrom } from "../../../src/cluster/file-source.ts";
import type { SourcedList } from "../../../src/cluster/list-source.ts";
import { type NameServer, startNameServer } from "../../support/name-server.ts";
import { until } from "../../support/until.ts";

const LOOK_MILLISECONDS = 10;

class Heard {
  readonly lists: SourcedList[] = [];
  readonly problems: string[] = [];
  listed(list: SourcedList): void {
    this.lists.push(list);
  }
  failed(why: string): void {
    this.problems.push(why);
  }
  get hosts(): string[] {
    return this.lists.at(-1)?.nodes.map(({ host }) => host) ?? [];
  }
}

describe("nodeFileFrom()", () => {
  test("reads nodes in order, comments and a version", () => {
    expect(nodeFileFrom("# web\nversion = 12\n\nb:1 # old\n  a\r\n")).toEqual({
      version: 12,
      nodes: [
        { host: "b", port: 1 },
        { host: "a", port: 11211 },
      ],
    });
  });

  for (const [text, why] of [
    ["", "the list names no node"],
    ["# nothing\n", "the list names no node"],
    ["a\nb c\n", 'line 2: "b c" is no host name'],
    ["a\nversion = x\n", 'line 2: "x" is no version'],
    ["version = 0\na\n", 'line 1: "0" is no version'],
    ["version=1\nversion=2\na\n", "line 2: a second version"],
    ["a\na:11211\n", "a:11211 is there twice"],
  ] as const) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      expect(nodeFileFrom(text)).toContain(why);
    });
  }
});

describe("FileSource", () => {
  let folder = "";
  let path = "";
  let source: FileSource;
  let heard: Heard;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "shardcached-nodes-"));
    path = join(folder, "nodes");
    source = new FileSource(path, LOOK_MILLISECONDS);
    heard = new Heard();
  });
  afterEach(() => {
    source.stop();
    rmSync(folder, { recursive: true });
  });

  test("a file that is not there stops the start, and is named", async () => {
    await expect(source.start(heard)).rejects.toThrow(/--cluster file:\/\/.*nodes: ENOENT/);
  });

  test("a file that is wrong stops the start, with its line", async () => {
    writeFileSync(path, "a\nb:x\n");
    await expect(source.start(heard)).rejects.toThrow(/nodes: line 2: "x" is no port/);
  });

  test("follows a file that is written, renamed over, or a link that is turned", async () => {
    writeFileSync(path, "a\n");
    await source.start(heard);
    expect(heard.hosts).toEqual(["a"]);
    writeFileSync(path, "a\nb\n");
    await until(() => heard.hosts.length === 2);
    writeFileSync(join(folder, "next"), "a\nb\nc\n");
    renameSync(join(folder, "next"), path);
    await until(() => heard.hosts.length === 3);
    writeFileSync(join(folder, "other"), "d\n");
    unlinkSync(path);
    symlinkSync(join(folder, "other"), path);
    await until(() => heard.hosts[0] === "d");
  });

  test("tells a problem once, keeps the list, and goes on", async () => {
    writeFileSync(path, "a\n");
    await source.start(heard);
    writeFileSync(path, "a b\n");
    await until(() => heard.problems.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MILLISECONDS));
    expect(heard.problems).toHaveLength(1);
    unlinkSync(path);
    await until(() => heard.problems.length > 1);
    expect(heard.problems[1]).toContain("ENOENT");
    writeFileSync(path, "b\n");
    await until(() => heard.hosts[0] === "b");
    expect(heard.lists).toHaveLength(2);
  });

  test("a comment is no change of the list", async () => {
    writeFileSync(path, "a\n");
    await source.start(heard);
    writeFileSync(path, "# more\na\n");
    await new Promise((resolve) => setTimeout(resolve, 5 * LOOK_MILLISECONDS));
    expect(heard.lists).toHaveLength(1);
  });

  test("a version that does not grow is a problem, whatever the nodes", async () => {
    writeFileSync(path, "version = 5\na\n");
    await source.start(heard);
    writeFileSync(path, "version = 5\na\nb\n");
    await until(() => heard.problems.length === 1);
    expect(heard.problems[0]).toContain("version must grow with each change: it was 5 and is 5");
    writeFileSync(path, "version = 6\na\nb\n");
    await until(() => heard.lists.length === 2);
    expect(heard.lists[1]?.version).toBe(6);
  });
});

describe("nodesOfRecords()", () => {
  test("sorts by name, numbers by value, and drops what is there twice", () => {
    const names = ["cache-10.x.", "cache-2.x", "Cache-1.x", "cache-2.x."];
    expect(nodesOfRecords(names.map((name) => ({ name, port: 1 })))).toEqual(
      ["cache-1.x", "cache-2.x", "cache-10.x"].map((host) => ({ host, port: 1 })),
    );
  });

  test("refuses a target that is no host, and none at all", () => {
    expect(nodesOfRecords([{ name: "a|b", port: 1 }])).toContain("is no host name");
    expect(nodesOfRecords([{ name: "a", port: 0 }])).toBe("a has port 0");
    expect(nodesOfRecords([])).toBe("the list names no node");
  });
});

describe("DnsSource", () => {
  let names: NameServer;
  let source: DnsSource;
  let heard: Heard;

  beforeEach(async () => {
    names = await startNameServer();
    heard = new Heard();
    source = new DnsSource({
      name: "_memcached._tcp.cache.test",
      server: names.address,
      unixSeconds: () => 1000,
      askMilliseconds: LOOK_MILLISECONDS,
    });
  });
  afterEach(() => {
    source.stop();
    names.close();
  });

  test("asks again, and tells a list only when it is another", async () => {
    names.records = [
      { name: "cache-1.test", port: 11212 },
      { name: "cache-0.test", port: 11211 },
    ];
    await source.start(heard);
    expect(heard.lists[0]).toEqual({
      nodes: [
        { host: "cache-0.test", port: 11211 },
        { host: "cache-1.test", port: 11212 },
      ],
      version: null,
      seed: 1000,
    });
    names.records = [...names.records].reverse();
    const asked = names.asked();
    await until(() => names.asked() > asked + 2);
    expect(heard.lists).toHaveLength(1);
    names.records = [...names.records, { name: "cache-2.test", port: 11211 }];
    await until(() => heard.lists.length === 2);
    expect(heard.hosts).toEqual(["cache-0.test", "cache-1.test", "cache-2.test"]);
  });

  test("no such name and no records are told once and change nothing", async () => {
    names.records = [{ name: "a.test", port: 1 }];
    await source.start(heard);
    names.records = null;
    await until(() => heard.problems.length === 1);
    expect(heard.problems[0]).toContain("no SRV records (ENOTFOUND)");
    const asked = names.asked();
    await until(() => names.asked() > asked + 2);
    expect(heard.problems).toHaveLength(1);
    names.records = [];
    await until(() => heard.problems[1] !== undefined || names.asked() > asked + 20);
    names.records = [{ name: "a.test", port: 1 }];
    const later = names.asked();
    await until(() => names.asked() > later + 1);
    expect(heard.lists).toHaveLength(1);
  });

  test("a start without an answer is a problem, not an end", async () => {
    names.records = null;
    await source.start(heard);
    expect(heard.problems).toHaveLength(1);
    names.records = [{ name: "a.test", port: 1 }];
    await until(() => heard.lists.length === 1);
  });
});

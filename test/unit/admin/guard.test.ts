import { EventEmitter, once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { Guard } from "../../../src/admin/guard.ts";
import { Claim } from "../../../src/admin/listen.ts";

const SOURCES = new URL("../../../src/admin/", import.meta.url);
/** What lets Node's loop call a function of ours. */
const BY_THE_LOOP =
  /(?<!\.)\b(setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\(|\.(on|once|addListener)\(/;
/**
 * `guard.ts` is the guard; `top.ts` is another process; `listen.ts` begins before there is a guard, and
 * has a test of its own below. Hooks of fastify are not events: it catches what they throw.
 */
const EXEMPT = new Set(["guard.ts", "top.ts", "listen.ts"]);

describe("src/admin", () => {
  const files = readdirSync(SOURCES).filter((name) => name.endsWith(".ts") && !EXEMPT.has(name));
  for (const file of files) {
    test(`${file}: what Node's loop calls goes through the guard`, () => {
      const lines = readFileSync(new URL(file, SOURCES), "utf8").split("\n");
      const bare = lines.filter((line) => {
        const code = line.replace(/\/\/.*|^\s*\*.*/, "");
        return BY_THE_LOOP.test(code) && !/\bguard\.(on|onError|after|every)\(/.test(code);
      });
      expect(bare).toEqual([]);
    });
  }
});

describe("Guard", () => {
  test("reports what is thrown, by timers, events and promises, and goes on", async () => {
    const told: string[] = [];
    const guard = new Guard((where, error) => told.push(`${where}: ${error.message}`));
    const emitter = new EventEmitter();
    guard.on(emitter, "data", "an event", (text: string) => {
      throw new Error(text);
    });
    emitter.emit("data", "first");
    guard.onError(emitter, "a stream", () => {
      throw new Error("recovering, too");
    });
    emitter.emit("error", new Error("EPIPE"));
    guard.run("a promise", () => Promise.reject(new Error("later")));
    await new Promise<void>((resolve) => {
      guard.after("a timer", 1, () => {
        resolve();
        throw new Error("in time");
      });
    });
    expect(told).toEqual([
      "an event: first",
      "a stream: EPIPE",
      "a promise: later",
      "a timer: in time",
    ]);
  });

  test("a line of one place is told once a minute, with how often it was not", () => {
    let now = 0;
    const told: number[] = [];
    const guard = new Guard(
      (_, __, untold) => told.push(untold),
      () => now,
    );
    for (let each = 0; each < 5; each++) guard.failed("here", new Error("again"));
    guard.failed("there", new Error("another"));
    now += 60_000;
    guard.failed("here", new Error("again"));
    expect(told).toEqual([0, 0, 4]);
  });

  test("survives a log that fails, and what is no Error", () => {
    const guard = new Guard(() => {
      throw new Error("EPIPE");
    });
    expect(() => guard.run("a string", () => Promise.reject("text"))).not.toThrow();
    expect(() =>
      guard.run("a value", () => {
        throw 7;
      }),
    ).not.toThrow();
  });

  test("a timer can be taken back", async () => {
    let ran = false;
    new Guard(() => {}).after("never", 1, () => {
      ran = true;
    })();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(ran).toBe(false);
  });
});

describe("Claim", () => {
  test("reports a listener that cannot accept, and a server that throws, and goes on", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const claim = new Claim(server, { kind: "tcp", host: "127.0.0.1", port: 0 });
    const told: string[] = [];
    server.emit("error", new Error("EMFILE, before anybody is told"));
    const http = new EventEmitter();
    const guard = new Guard((where, error) => told.push(`${where}: ${error.message}`));
    claim.serve(http as never, guard);
    server.emit("error", new Error("EMFILE"));
    http.on("connection", () => {
      throw new Error("a bug");
    });
    let hungUp = false;
    const socket = Object.assign(new EventEmitter(), { destroy: () => (hungUp = true) });
    expect(() => server.emit("connection", socket)).not.toThrow();
    expect(hungUp).toBe(true); // nobody would ever answer it
    expect(told).toEqual(["admin listener: EMFILE"]); // the second within the minute is counted
    claim.close();
  });
});

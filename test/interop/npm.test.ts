/** npm's clients: memcached, memcache-client (text) and memjs (binary). */
import { promisify } from "node:util";
import { MemcacheClient } from "memcache-client";
import Memcached from "memcached";
import { Client as MemjsClient } from "memjs";
import { describe, expect, test } from "vitest";
import { type Cell, fleet } from "../support/server-matrix.ts";

const MONTH_SECONDS = 30 * 24 * 60 * 60;
/** Every byte, and what looks like a reply. */
const TRICKY = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from("\r\nEND\r\nVALUE x 0 3\r\n"),
]);

const firsts = fleet({ size: "small" });
const seconds = fleet({ size: "small" });

function addresses(index: number): [string, string] {
  const pair = [firsts[index], seconds[index]] as [Cell, Cell];
  return pair.map((cell) => `127.0.0.1:${cell.server.port}`) as [string, string];
}

/** A promise of what a callback gets. */
function call<T>(
  run: (callback: (error: Error | undefined, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

/** The same, where the library reports a refusal (NOT_STORED …) as an error: then false. */
async function accepted(
  run: (callback: (error: Error | undefined, value: boolean) => void) => void,
) {
  return call<boolean>(run).catch(() => false);
}

describe("npm memcached", () => {
  for (const [index, cell] of firsts.entries()) {
    test(cell.label, async () => {
      const client = new Memcached(addresses(index)[0], { timeout: 10_000, retries: 0 });
      await call((done) => client.flush(done as never));
      expect(await call((done) => client.get("absent", done))).toBe(undefined);
      expect(await call((done) => client.set("fruit", "apple", 0, done))).toBe(true);
      expect(await call((done) => client.get("fruit", done))).toBe("apple");
      expect(await accepted((done) => client.add("fruit", "plum", 0, done))).toBe(false);
      expect(await accepted((done) => client.add("added", "plum", 0, done))).toBe(true);
      expect(await accepted((done) => client.replace("absent", "plum", 0, done))).toBe(false);
      expect(await accepted((done) => client.replace("fruit", "pear", 0, done))).toBe(true);
      expect(await call((done) => client.append("fruit", "s", done))).toBe(true);
      expect(await call((done) => client.prepend("fruit", "a ", done))).toBe(true);
      expect(await call((done) => client.get("fruit", done))).toBe("a pears");
      const seen = await call<Readonly<Record<string, unknown>>>((done) =>
        client.gets("fruit", done),
      );
      expect(seen["fruit"]).toBe("a pears");
      expect(await accepted((done) => client.cas("fruit", "plum", seen["cas"], 0, done))).toBe(
        true,
      );
      expect(await accepted((done) => client.cas("fruit", "fig", seen["cas"], 0, done))).toBe(
        false,
      );
      expect(await call((done) => client.set("n", "10", 0, done))).toBe(true);
      expect(await call((done) => client.incr("n", 5, done))).toBe(15);
      expect(await call((done) => client.decr("n", 20, done))).toBe(0);
      expect(await call((done) => client.incr("absent", 1, done))).toBe(false);
      expect(await call((done) => client.touch("n", 1000, done))).toBe(true);
      expect(await call((done) => client.del("n", done))).toBe(true);
      expect(await accepted((done) => client.del("n", done))).toBe(false);
      expect(await call((done) => client.set("object", { a: [1, "ä"] }, 0, done))).toBe(true);
      expect(await call((done) => client.get("object", done))).toEqual({ a: [1, "ä"] });
      expect(await call((done) => client.set("bytes", TRICKY, 0, done))).toBe(true);
      expect(
        Buffer.compare(
          (await call<unknown>((done) => client.get("bytes", done))) as Buffer,
          TRICKY,
        ),
      ).toBe(0);
      const large = "x".repeat(1_000_000);
      expect(await call((done) => client.set("large", large, 0, done))).toBe(true);
      expect(await call((done) => client.get("large", done))).toBe(large);
      expect(await call((done) => client.set("month", "v", MONTH_SECONDS, done))).toBe(true);
      expect(await call((done) => client.get("month", done))).toBe("v");
      await call((done) => client.set("past", "v", 1_000_000_000, done)).catch(() => false);
      expect(await call((done) => client.get("past", done))).toBe(undefined);
      const [version] = await call<readonly Readonly<Record<string, unknown>>[]>((done) =>
        client.version(done),
      );
      expect(version?.["version"]).toBe(cell.server.version);
      const [stats] = await call<readonly Readonly<Record<string, unknown>>[]>((done) =>
        client.stats(done),
      );
      expect(stats?.["pid"]).toBe(cell.server.pid);
      const [settings] = await call<readonly Readonly<Record<string, unknown>>[]>((done) =>
        client.settings(done),
      );
      expect(settings?.["maxconns"]).toBe(1024);
      expect((await call<readonly unknown[]>((done) => client.slabs(done as never))).length).toBe(
        1,
      );
      expect((await call<readonly unknown[]>((done) => client.items(done as never))).length).toBe(
        1,
      );
      client.end();
    });
  }
});

describe("npm memcached, several servers", () => {
  for (const [index, cell] of firsts.entries()) {
    test(cell.label, async () => {
      const client = new Memcached([...addresses(index)], { timeout: 10_000, retries: 0 });
      const keys = Array.from({ length: 100 }, (_, number) => `spread-${number}`);
      await call((done) => client.flush(done as never));
      for (const key of keys) await call((done) => client.set(key, key, 0, done));
      const found = await call<Record<string, unknown>>((done) => client.getMulti(keys, done));
      expect(Object.keys(found).sort()).toEqual([...keys].sort());
      for (const address of addresses(index)) {
        const one = new Memcached(address, { timeout: 10_000, retries: 0 });
        const held = await call<Record<string, unknown>>((done) => one.getMulti(keys, done));
        expect(Object.keys(held).length).toBeGreaterThan(0);
        expect(Object.keys(held).length).toBeLessThan(keys.length);
        one.end();
      }
      client.end();
    });
  }
});

describe("npm memcache-client", () => {
  for (const [index, cell] of firsts.entries()) {
    test(cell.label, async () => {
      const client = new MemcacheClient({ server: addresses(index)[0] });
      await client.cmd("flush_all");
      expect(await client.get("absent")).toBe(undefined);
      expect(await client.set("fruit", "apple")).toEqual(["STORED"]);
      expect((await client.get<string>("fruit")).value).toBe("apple");
      await expect(client.add("fruit", "plum")).rejects.toThrow("NOT_STORED");
      await expect(client.replace("absent", "plum")).rejects.toThrow("NOT_STORED");
      expect(await client.replace("fruit", "pear")).toEqual(["STORED"]);
      expect(await client.append("fruit", "s")).toEqual(["STORED"]);
      expect(await client.prepend("fruit", "a ")).toEqual(["STORED"]);
      const seen = await client.gets<string>("fruit");
      expect(seen.value).toBe("a pears");
      const casUniq = (seen as { casUniq: string }).casUniq;
      expect(await client.cas("fruit", "plum", { casUniq })).toEqual(["STORED"]);
      await expect(client.cas("fruit", "fig", { casUniq })).rejects.toThrow("EXISTS");
      expect(await client.set("n", "10")).toEqual(["STORED"]);
      expect(await client.incr("n", 5)).toBe("15");
      expect(await client.decr("n", 20)).toBe("0");
      expect(await client.touch("n", 1000)).toEqual(["TOUCHED"]);
      expect(await client.delete("n")).toEqual(["DELETED"]);
      await expect(client.delete("n")).rejects.toThrow("NOT_FOUND");
      expect(await client.set("bytes", TRICKY)).toEqual(["STORED"]);
      expect(Buffer.compare((await client.get<Buffer>("bytes")).value, TRICKY)).toBe(0);
      await client.set("large", "x".repeat(1_000_000), { lifetime: MONTH_SECONDS });
      expect((await client.get<string>("large")).value.length).toBe(1_000_000);
      const many = await client.get<Record<string, { value: unknown }>>([
        "fruit",
        "absent",
        "large",
      ]);
      expect(Object.keys(many).sort()).toEqual(["fruit", "large"]);
      expect(await client.version()).toEqual(["VERSION", cell.server.version]);
      const noreply = await client.set("quiet", "q", { noreply: true });
      expect(noreply).toBe(undefined);
      expect((await client.get<string>("quiet")).value).toBe("q");
      client.shutdown();
    });
  }
});

describe("npm memjs, over the binary protocol", () => {
  for (const [index, cell] of firsts.entries()) {
    test(cell.label, async () => {
      const client = MemjsClient.create(addresses(index)[0], { retries: 1, timeout: 10 });
      const flush = promisify(client.flush.bind(client));
      await flush();
      expect((await client.get("absent")).value).toBe(null);
      expect(await client.set("fruit", "apple", {})).toBe(true);
      expect((await client.get("fruit")).value?.toString()).toBe("apple");
      expect(await client.add("fruit", "plum", {})).toBe(false);
      expect(await client.replace("absent", "plum", {})).toBe(false);
      expect(await client.replace("fruit", "pear", {})).toBe(true);
      expect(await client.append("fruit", "s")).toBe(true);
      // The client's prepend sends opcode Append: its own slip, and what any server must then do.
      expect(await client.prepend("fruit", "!")).toBe(true);
      expect((await client.get("fruit")).value?.toString()).toBe("pears!");
      expect((await client.increment("n", 5, { initial: 10 })).value).toBe(10);
      expect((await client.increment("n", 5, { initial: 10 })).value).toBe(15);
      expect((await client.decrement("n", 20, { initial: 0 })).value).toBe(0);
      expect(await client.touch("n", 1000)).toBe(true);
      expect(await client.delete("n")).toBe(true);
      expect(await client.delete("n")).toBe(false);
      expect(await client.set("bytes", TRICKY, { expires: MONTH_SECONDS })).toBe(true);
      expect(Buffer.compare((await client.get("bytes")).value as Buffer, TRICKY)).toBe(0);
      expect(await client.set("large", "x".repeat(1_000_000), {})).toBe(true);
      expect((await client.get("large")).value?.length).toBe(1_000_000);
      const stats = await new Promise<Record<string, string> | null>((resolve, reject) => {
        client.stats((error, _server, values) => (error ? reject(error) : resolve(values)));
      });
      expect(stats?.["version"]).toBe(cell.server.version);
      const all = await Promise.all(
        Array.from({ length: 200 }, async (_, number) => {
          await client.set(`p${number}`, `${number}`, {});
          return (await client.get(`p${number}`)).value?.toString();
        }),
      );
      expect(all).toEqual(Array.from({ length: 200 }, (_, number) => `${number}`));
      client.close();
    });
  }
});

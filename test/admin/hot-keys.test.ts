/**
 * `stats hotkeys` of a real server against what the test itself has sent: one large set, then small
 * and valueless requests for other keys on the same connection, in each protocol, done in the own
 * shard, in a borrowed one and handed over by ring.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  arithmeticExtras,
  BinaryStatus,
  Opcode,
  packet,
  response,
  setPacket,
  uint32,
  uint64,
} from "../support/binary-packets.ts";
import { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";

const BIG_BYTES = 40_000;
/** Above half a mebibyte a value is uploaded, and read under a lease. */
const HUGE_BYTES = 700_000;
const KEYS = 8;
/** Of two shards, eight keys lie in both, as good as surely. */
const TINY = Array.from({ length: KEYS }, (_, at) => at);
const ROUNDS = 4;

interface Dialect {
  readonly name: string;
  readonly store: (key: string, value: string) => Buffer | string;
  readonly stored: Parameters<WireClient["expect"]>[0];
  /** Requests for the round's keys that bring or take no value, and what they answer. */
  readonly valueless: (
    at: number,
  ) => readonly (readonly [Buffer | string, Parameters<WireClient["expect"]>[0]])[];
}

const DIALECTS: readonly Dialect[] = [
  {
    name: "text",
    store: (key, value) => `set ${key} 0 0 ${value.length}\r\n${value}\r\n`,
    stored: "STORED\r\n",
    valueless: (at) => [
      [`incr text:n${at} 1\r\n`, "1\r\n"],
      [`touch text:touched${at} 0\r\n`, "TOUCHED\r\n"],
      [`delete text:gone${at}\r\n`, "NOT_FOUND\r\n"],
      [`get text:never${at}\r\n`, "END\r\n"],
    ],
  },
  {
    name: "meta",
    store: (key, value) => `ms ${key} ${value.length}\r\n${value}\r\n`,
    stored: "HD\r\n",
    valueless: (at) => [
      [`ma meta:n${at}\r\n`, "HD\r\n"],
      [`mg meta:touched${at} T0\r\n`, "HD\r\n"],
      [`mg meta:big t\r\n`, "HD t-1\r\n"],
      [`md meta:gone${at}\r\n`, "NF\r\n"],
      [`mg meta:never${at} v s t\r\n`, "EN\r\n"],
    ],
  },
  {
    name: "binary",
    store: (key, value) => setPacket(key, value),
    stored: response({ opcode: Opcode.set, cas: "cas" }),
    valueless: (at) => [
      [
        packet({
          opcode: Opcode.increment,
          key: `binary:n${at}`,
          extras: arithmeticExtras(1n, 0n, 0),
        }),
        response({ opcode: Opcode.increment, value: uint64(1n), cas: "cas" }),
      ],
      [
        packet({ opcode: Opcode.touch, key: `binary:touched${at}`, extras: uint32(0) }),
        response({ opcode: Opcode.touch, extras: uint32(0), cas: "cas" }),
      ],
      [
        packet({ opcode: Opcode.delete, key: `binary:gone${at}` }),
        response({ opcode: Opcode.delete, status: BinaryStatus.notFound }),
      ],
      [
        packet({ opcode: Opcode.get, key: `binary:never${at}` }),
        response({ opcode: Opcode.get, status: BinaryStatus.notFound }),
      ],
    ],
  },
];

for (const lending of [true, false]) {
  describe(`stats hotkeys, other shards' changes ${lending ? "on loan" : "by ring"}`, () => {
    let server: TestServer;
    let client: WireClient;

    beforeAll(async () => {
      server = await TestServer.start({
        implementation: "shardcached",
        threads: 2,
        transport: "native",
        lending,
        ownArgs: ["--admin-listen", "none"],
      });
      client = await WireClient.connect(server);
      await looksAtEverything(client);
    });

    afterAll(async () => {
      client.destroy();
      await server.stop();
    });

    for (const dialect of DIALECTS) {
      test(`${dialect.name}: a request counts its own bytes, not those of the set before`, async () => {
        const connection = await WireClient.connect(server);
        for (const at of TINY) {
          for (const [name, value] of [
            [`n${at}`, "0"],
            [`touched${at}`, "12345"],
          ] as const) {
            await connection.ask(dialect.store(`${dialect.name}:${name}`, value), dialect.stored);
          }
        }
        for (let round = 0; round < ROUNDS; round++) {
          for (const at of TINY) {
            const big = dialect.store(`${dialect.name}:big`, "x".repeat(BIG_BYTES));
            await connection.ask(big, dialect.stored);
            for (const [request, reply] of round === 0 ? dialect.valueless(at) : []) {
              await connection.ask(request, reply);
            }
          }
        }
        connection.destroy();
        const largest = await list(client, "largest");
        const ours = [...largest].filter(([key]) => key.startsWith(`${dialect.name}%3A`));
        expect(ours.map(([key]) => key)).toEqual([`${dialect.name}%3Abig`]);
        expect(ours[0]?.[1].get("value_bytes")).toBe(BIG_BYTES);
        expect(ours[0]?.[1].has("rate")).toBe(false);
        // Seen to move bytes: the large one, and those whose one set was small.
        const seen = await list(client, "bytes");
        for (const [key, facts] of seen) {
          if (!key.startsWith(`${dialect.name}%3A`)) continue;
          const value = key.endsWith("big") ? BIG_BYTES : /n\d$/.test(key) ? 1 : 5;
          expect(facts.get("value_bytes"), key).toBe(value);
        }
        const names = [...seen.keys()].filter((key) => /gone|never/.test(key));
        expect(names).toEqual([]);
        const missed = [...(await list(client, "misses")).keys()];
        expect(missed.filter((key) => key.includes("gone"))).toEqual([]);
        expect(missed.some((key) => key.startsWith(`${dialect.name}%3Anever`))).toBe(true);
      });
    }

    test("a value that is uploaded and leased is seen as any other", async () => {
      await client.ask(`set huge 0 0 ${HUGE_BYTES}\r\n${"y".repeat(HUGE_BYTES)}\r\n`, "STORED\r\n");
      expect((await list(client, "largest")).get("huge")?.get("value_bytes")).toBe(HUGE_BYTES);
      const set = (await list(client, "bytes")).get("huge")?.get("bytes") ?? 0;
      await client.send("get huge\r\n");
      await client.readThrough("END\r\n");
      const both = (await list(client, "bytes")).get("huge")?.get("bytes") ?? 0;
      expect(both).toBeGreaterThan(1.5 * set);
    });
  });
}

/** Waits until the threads' sampling has come down to every request: there is no load. */
async function looksAtEverything(client: WireClient): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    await client.send("stats workers\r\n");
    const periods = [...(await client.readThrough("END\r\n")).matchAll(/:sampling_period (\d+)/g)];
    if (periods.slice(0, 2).every(([, period]) => period === "1")) return;
    if (Date.now() > deadline) throw new Error("the sampling period stays above 1");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** One list of `stats hotkeys`: what is told of each key, the heaviest first. */
async function list(client: WireClient, by: string): Promise<Map<string, Map<string, number>>> {
  await client.send(`stats hotkeys ${by}\r\n`);
  const text = await client.readThrough("END\r\n");
  const keys = new Map<string, Map<string, number>>();
  let facts = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^STAT (\S+) (\S+)\r$/gm) as Iterable<string[]>) {
    const [, , fact] = (name as string).split(":");
    if (fact === undefined) {
      facts = new Map();
      keys.set(value as string, facts);
    } else facts.set(fact, Number(value));
  }
  return keys;
}

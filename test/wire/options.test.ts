/** Options that change what clients see: -C -F -M -A -I -B -X -W -s -D -b. */
import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Opcode, packet, response } from "../support/binary-packets.ts";
import { cells, fleet } from "../support/server-matrix.ts";
import { closes, oracle18, transcriptsOn } from "../support/transcript.ts";
import { WireClient } from "../support/wire-client.ts";

// No flush before: without CAS memcached tells by the second what was stored before it.
const withoutCas = transcriptsOn({ args: ["-C"], size: "small", flush: false });

withoutCas("-C: the CAS is 0 everywhere, and cas gives EXISTS", [
  ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
  ["gets a\r\n", "VALUE a 5 1 0\r\nA\r\nEND\r\n"],
  ["cas a 0 0 1 1\r\nB\r\n", "EXISTS\r\n"],
  ["cas b 0 0 1 1\r\nB\r\n", "NOT_FOUND\r\n"],
  ["mg a c\r\n", "HD c0\r\n"],
]);

const withoutFlush = transcriptsOn({ args: ["-F"], size: "small", flush: false });

withoutFlush("-F: flush_all is not allowed", [
  ["set kept 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["flush_all\r\n", "CLIENT_ERROR flush_all not allowed\r\n"],
  ["flush_all 0\r\n", "CLIENT_ERROR flush_all not allowed\r\n"],
  ["flush_all noreply\r\n", ""],
  ["get kept\r\n", "VALUE kept 0 1\r\nA\r\nEND\r\n"],
]);

withoutFlush("-F: binary Flush is an authentication failure", [
  [packet({ opcode: Opcode.flush }), response({ opcode: Opcode.flush, status: 0x20 })],
]);

const flushless = fleet({ args: ["-F"], size: "small" });

describe("-F: what is refused counts as a flush all the same", () => {
  for (const cell of flushless) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("flush_all\r\n", "CLIENT_ERROR flush_all not allowed\r\n");
      await client.send("stats\r\n");
      expect(await client.readThrough("END\r\n")).toContain("STAT cmd_flush 1\r\n");
      client.destroy();
    });
  }
});

const prefixes = transcriptsOn({ args: ["-D", "."], size: "small" });

prefixes("-D: prefixes end at its character, and are counted from the start", [
  ["stats reset\r\n", "RESET\r\n"],
  ["set user.1 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get user.1\r\n", "VALUE user.1 0 1\r\nA\r\nEND\r\n"],
  ["get user.2\r\n", "END\r\n"],
  ["set other:1 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["stats detail dump\r\n", "PREFIX user get 2 hit 1 set 1 del 0\r\nEND\r\n"],
]);

/** ss says of a listening socket how many connections may wait (its Send-Q). */
function backlogOf(port: number): number {
  const lines = execFileSync("ss", ["-Hltn", `sport = :${port}`], { encoding: "utf8" });
  return Number(lines.trim().split(/\s+/)[2]);
}

const HAS_SS = spawnSync("ss", ["-V"]).status === 0;
const queued = fleet({ args: ["-b", "77"], size: "small" });

describe.skipIf(!HAS_SS)("-b: the system is asked for so long a queue", () => {
  for (const cell of queued) {
    test(cell.label, () => {
      expect(backlogOf(cell.server.port)).toBe(77);
    });
  }
});

const mediumItems = transcriptsOn({ args: ["-I", "2m"], size: "small" });

mediumItems("-I: the largest item", [
  [`set a 0 0 2000000\r\n${"x".repeat(2_000_000)}\r\n`, "STORED\r\n"],
  [
    `set a 0 0 2097152\r\n${"x".repeat(2_097_152)}\r\n`,
    "SERVER_ERROR object too large for cache\r\n",
  ],
  ["get a\r\n", "END\r\n"],
]);

const largeItems = transcriptsOn({ args: ["-I", "8m", "-m", "128"], size: "small" });

largeItems("-I 8m: a value of 6 MiB comes back whole, and can be replaced", [
  [`set big 3 0 6291456\r\n${"y".repeat(6_291_456)}\r\n`, "STORED\r\n"],
  ["get big\r\n", `VALUE big 3 6291456\r\n${"y".repeat(6_291_456)}\r\nEND\r\n`],
  ["append big 0 0 3\r\nend\r\n", "STORED\r\n"],
  ["mg big s\r\n", "HD s6291459\r\n"],
  ["delete big\r\n", "DELETED\r\n"],
  ["get big\r\n", "END\r\n"],
]);

const asciiOnly = transcriptsOn({ args: ["-B", "ascii"], size: "small" });

asciiOnly("-B ascii: 0x80 is a byte of a command line", [
  ["\x80\x0b\x00\x00\x00\x00\r\n", "ERROR\r\n"],
  ["version\r\n", "VERSION {version}\r\n"],
]);

const binaryOnly = transcriptsOn({ args: ["-B", "binary"], size: "small" });

binaryOnly("-B binary: packets are served", [
  [packet({ opcode: Opcode.noop }), response({ opcode: Opcode.noop })],
]);

binaryOnly("-B binary: ASCII is closed in silence", [
  ["get a\r\nget a\r\nget a\r\nget a\r\nget a\r\n", closes()],
]);

const closed = transcriptsOn({ args: ["-X", "-W"], size: "small" });

closed("-X: no dumps", [
  ["stats cachedump 1 0\r\n", "CLIENT_ERROR stats cachedump not allowed\r\n"],
  ["lru_crawler metadump all\r\n", "ERROR metadump not allowed\r\n"],
  [
    "lru_crawler mgdump all\r\n",
    "ERROR key dump not allowed\r\n",
    oracle18("ERROR\r\n", "mgdump is not known"),
  ],
  [
    "stats detail on\r\n",
    "CLIENT_ERROR stats detail not allowed\r\n",
    oracle18("OK\r\n", "detail is allowed there"),
  ],
]);

closed("-W: no watchers", [["watch\r\n", "CLIENT_ERROR watch commands not allowed\r\n"]]);

const withoutCrawler = transcriptsOn({ args: ["-o", "no_lru_crawler"], size: "small" });

withoutCrawler("-o no_lru_crawler: no dumps", [
  ["lru_crawler metadump all\r\n", "CLIENT_ERROR lru crawler disabled\r\n"],
  ["lru_crawler crawl all\r\n", "CLIENT_ERROR lru crawler disabled\r\n"],
]);

// memcached's crawler stops some time after `disable` was answered, and knows no answer in between.
const withoutOurCrawler = transcriptsOn({
  args: ["-o", "no_lru_crawler"],
  size: "small",
  oracle: false,
});

withoutOurCrawler("-o no_lru_crawler: until it is enabled", [
  ["lru_crawler enable\r\n", "OK\r\n"],
  ["lru_crawler crawl all\r\n", "OK\r\n"],
  ["lru_crawler disable\r\n", "OK\r\n"],
  ["lru_crawler crawl all\r\n", "CLIENT_ERROR lru crawler disabled\r\n"],
]);

const noEvictions = fleet({ args: ["-M", "-m", "8", "-I", "512k"], size: "small" });

describe("-M: a full cache refuses, and says so", () => {
  for (const cell of noEvictions) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const value = "x".repeat(10_000);
      let refused = 0;
      for (let index = 0; index < 3000 && refused === 0; index++) {
        await client.send(`set key-${index} 0 0 ${value.length}\r\n${value}\r\n`);
        const line = await client.readUntil((got) => got.indexOf("\n") + 1);
        if (line.toString() !== "STORED\r\n") {
          expect(line.toString()).toBe("SERVER_ERROR out of memory storing object\r\n");
          refused++;
          await client.ask("get key-0\r\n", `VALUE key-0 0 ${value.length}\r\n${value}\r\nEND\r\n`);
        }
      }
      expect(refused).toBe(1);
      await client.ask("delete key-0\r\n", "DELETED\r\n");
      client.destroy();
    });
  }
});

const small = fleet({ args: ["-m", "8", "-I", "512k"], size: "small" });

describe("without -M a set never fails: the cache evicts", () => {
  for (const cell of small) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const value = "x".repeat(10_000);
      for (let batch = 0; batch < 40; batch++) {
        const sets = Array.from(
          { length: 100 },
          (_, index) => `set key-${batch}-${index} 0 0 ${value.length}\r\n${value}\r\n`,
        );
        await client.ask(sets.join(""), "STORED\r\n".repeat(100));
      }
      await client.ask("get key-0-0\r\n", "END\r\n");
      client.destroy();
    });
  }
});

const unixSockets = fleet({ size: "small", unixSocket: true });

describe("-s: a Unix socket serves the same", () => {
  for (const cell of unixSockets) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server, 3);
      await client.ask("set a 5 0 3\r\nred\r\n", "STORED\r\n");
      await client.ask("get a\r\n", "VALUE a 5 3\r\nred\r\nEND\r\n");
      await client.send("stats conns\r\n");
      // A client without a name, of which CVE-2019-15026 has more to say.
      expect(await client.readThrough("END\r\n")).toMatch(/^STAT \d+:addr \?:<AF 0>\r$/m);
      client.destroy();
    });
  }
});

describe("-A: shutdown ends the process", () => {
  for (const line of ["shutdown\r\n", "shutdown graceful\r\n"]) {
    for (const cell of cells({ args: ["-A"], size: "small" })) {
      test(`${JSON.stringify(line)}, ${cell.label}`, async () => {
        await cell.start();
        const client = await WireClient.connect(cell.server);
        await client.ask("shutdown foo\r\n", "CLIENT_ERROR invalid shutdown mode\r\n");
        await client.send(`mn\r\n${line}mn\r\n`);
        await client.expect("MN\r\n");
        await client.expectClose();
        expect(await cell.server.ended()).toBe(0);
      });
    }
  }
});

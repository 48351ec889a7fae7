/**
 * Programs that talk to memcached: memccapable, memcached-tool, and libmemcached's memc* commands.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { missing, runProgram } from "../support/run-program.ts";
import { fleet } from "../support/server-matrix.ts";
import { WireClient } from "../support/wire-client.ts";

const MEMCACHED_TOOL = "/usr/share/memcached/scripts/memcached-tool";

const cells = fleet({ threads: [1, 4] });

// First, on fresh servers: memcached goes on counting items that flush_all has killed until it
// meets them.
const toolReason = missing("perl", MEMCACHED_TOOL);

describe.skipIf(toolReason !== "")(`memcached-tool${toolReason}`, () => {
  for (const cell of cells) {
    const tool = async (...args: string[]) => {
      const address = `127.0.0.1:${cell.server.port}`;
      const outcome = await runProgram("perl", [MEMCACHED_TOOL, address, ...args]);
      expect(outcome.code, outcome.stderr).toBe(0);
      expect(outcome.stderr).not.toContain("uninitialized");
      return outcome.stdout;
    };

    test(`display shows the classes and counts the items, ${cell.label}`, async () => {
      await fill(cell.server.port, 20);
      const lines = (await tool("display")).split("\n").filter((line) => line !== "");
      expect(lines[0]).toMatch(/^ {2}# {2}Item_Size {2}Max_age {3}Pages {3}Count {3}Full\?/);
      const counts = lines.slice(1).map((line) => Number(line.trim().split(/\s+/)[4]));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(20);
    });

    test(`stats, ${cell.label}`, async () => {
      await fill(cell.server.port, 3);
      const out = await tool("stats");
      expect(out).toMatch(new RegExp(`\\bpid +${cell.server.pid}\\b`));
      expect(out).toMatch(/\bcurr_items +\d+\b/);
      expect(out).toMatch(new RegExp(`\\bversion +${cell.server.version}`));
    });

    test(`settings, ${cell.label}`, async () => {
      const out = await tool("settings");
      expect(out).toMatch(/\bmaxconns +1024\b/);
      expect(out).toMatch(/\bevictions +on\b/);
    });

    test(`dump writes the items as commands that restore them, ${cell.label}`, async () => {
      await fill(cell.server.port, 20);
      const out = await tool("dump");
      expect(out.match(/^add item-\d+ 3 0 \d+\r$/gm)?.length).toBe(20);
      const client = await WireClient.connect(cell.server);
      await client.ask("flush_all\r\n", "OK\r\n");
      await client.ask(out, "STORED\r\n".repeat(20));
      await client.ask("get item-7\r\n", "VALUE item-7 3 7\r\nvalue-7\r\nEND\r\n");
      client.destroy();
    });

    test(`keys, ${cell.label}`, async () => {
      await fill(cell.server.port, 20);
      const out = await tool("keys");
      const keys = [
        ...out.matchAll(/^key=(\S+) exp=-1 la=\d+ cas=\d+ fetch=no cls=\d+ size=\d+/gm),
      ];
      expect(keys.map((match) => match[1]).sort()).toEqual(
        Array.from({ length: 20 }, (_, index) => `item-${index}`).sort(),
      );
    });
  }

  /** Empties the cache and stores items, one of them expired. */
  async function fill(port: number, count: number): Promise<void> {
    const client = await WireClient.connect({ address: { host: "127.0.0.1", port } });
    await client.ask("flush_all\r\n", "OK\r\n");
    for (let index = 0; index < count; index++) {
      const value = `value-${index}`;
      await client.ask(`set item-${index} 3 0 ${value.length}\r\n${value}\r\n`, "STORED\r\n");
    }
    client.destroy();
  }
});

const capableReason = missing("memccapable");

describe.skipIf(capableReason !== "")(`memccapable${capableReason}`, () => {
  for (const cell of cells) {
    for (const protocol of ["-a", "-b"]) {
      test(`${protocol}: all 27 pass, ${cell.label}`, async () => {
        const port = String(cell.server.port);
        const args = ["-h", "127.0.0.1", "-p", port, protocol, "-t", "10"];
        const outcome = await runProgram("memccapable", args);
        const lines = outcome.stdout.split("\n").filter((line) => line.includes("["));
        expect(lines.filter((line) => !line.includes("[pass]"))).toEqual([]);
        expect(lines.length).toBe(27);
        expect(outcome.stdout).toContain("All tests passed");
        expect(outcome.code).toBe(0);
      });
    }
  }
});

const commandsReason = missing("memccp", "memccat", "memcrm", "memcdump", "memctouch", "memcstat");

describe.skipIf(commandsReason !== "")(`libmemcached's commands${commandsReason}`, () => {
  for (const cell of cells) {
    for (const protocol of [[], ["--binary"]]) {
      test(`cp, cat, exist, touch, rm, ${[...protocol, cell.label].join(" ")}`, async () => {
        const servers = `--servers=127.0.0.1:${cell.server.port}`;
        const run = (program: string, ...args: string[]) =>
          runProgram(program, [servers, ...protocol, ...args]);
        const folder = mkdtempSync(join(tmpdir(), "shardcached-tools-"));
        const file = join(folder, "fruit.bin");
        const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index & 255));
        writeFileSync(file, bytes);
        try {
          expect((await run("memccp", file)).code).toBe(0);
          const out = join(folder, "out.bin");
          expect((await run("memccat", `--file=${out}`, "fruit.bin")).code).toBe(0);
          expect(Buffer.compare(readFileSync(out).subarray(0, bytes.length), bytes)).toBe(0);
          expect((await run("memcexist", "fruit.bin")).code).toBe(0);
          expect((await run("memctouch", "--expire=1000", "fruit.bin")).code).toBe(0);
          expect((await run("memcrm", "fruit.bin")).code).toBe(0);
          expect((await run("memcexist", "fruit.bin")).code).not.toBe(0);
          expect((await run("memccat", "fruit.bin")).stdout).toBe("");
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    }

    test(`stat, ping, flush, ${cell.label}`, async () => {
      const servers = `--servers=127.0.0.1:${cell.server.port}`;
      const stat = await runProgram("memcstat", [servers]);
      expect(stat.code, stat.stderr).toBe(0);
      expect(stat.stdout).toMatch(new RegExp(`pid: ${cell.server.pid}\\b`));
      expect(stat.stdout).toMatch(/curr_items: \d+/);
      const ping = await runProgram("memcping", [servers]);
      expect(ping.code, ping.stderr).toBe(0);
      const client = await WireClient.connect(cell.server);
      await client.ask("set a 0 0 1\r\nA\r\n", "STORED\r\n");
      expect((await runProgram("memcflush", [servers])).code).toBe(0);
      await client.ask("get a\r\n", "END\r\n");
      client.destroy();
    });

    test(`dump lists keys by stats cachedump, ${cell.label}`, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("flush_all\r\nset dumped 0 0 1\r\nA\r\n", "OK\r\nSTORED\r\n");
      const servers = `--servers=127.0.0.1:${cell.server.port}`;
      const dump = await runProgram("memcdump", [servers]);
      expect(dump.code, dump.stderr).toBe(0);
      // memcached lists its COLD queue only: the key shows once it has moved there.
      if (!cell.server.isOracle) expect(dump.stdout.split("\n")).toContain("dumped");
      client.destroy();
    });
  }
});

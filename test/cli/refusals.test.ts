/**
 * The command line against real memcached's: the same complaint first, the same exit code. Flags
 * that memcached would take and serve with (`-t abc` is 0 there) are in test/unit/config.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MAIN, Program } from "./program.ts";

/** memcached does not start as root without it. */
const AS_ROOT = ["-u", "root"];

async function outcomeOf(command: string, args: readonly string[]) {
  const program = new Program(command, args);
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/**
 * What it says without the parts that are ours: the program's name, and the option, value and
 * bounds at the end.
 */
function complaintOf(stderr: string): string {
  return stderr
    .trimEnd()
    .replace(/^\S*(memcached|shardcached): /, "")
    .replace(/ \(-.*\)$/, "")
    .replaceAll(/\n? +-- should be/g, " -- should be");
}

describe("a wrong flag is refused in memcached's words, with its exit code", () => {
  for (const flags of [
    "-p 70000",
    "-c 0",
    "-t 0",
    "-f 1",
    "-n 0",
    "-R 0",
    "-I 100",
    "-I 33m",
    "-B foo",
    "-N 0",
    "-x",
    "--bogus",
    "-p",
    "--port",
    "-u no-such-user",
    "-o foo",
    "-o hashpower=5",
    "-o hashpower",
    "-o slab_automove=5",
    "-o slab_sizes=1",
    "-o slab_sizes=100-90",
    "-o slab_sizes=100-104",
    "-o idle_timeout",
    "-o tail_repair_time=5",
    "-o lru_crawler_sleep=-1",
    "-o hash_algorithm=foo",
    "-o hot_lru_pct=0",
    "-o hot_lru_pct=50,warm_lru_pct=50",
    "-o temporary_ttl=10,no_lru_maintainer",
    "-o worker_logbuf_size=abc",
    "-s /no-such-folder/socket",
  ]) {
    test(flags, async () => {
      const args = flags.split(" ");
      const [ours, theirs] = await Promise.all([
        outcomeOf(process.execPath, [MAIN, ...args]),
        outcomeOf("memcached", [...(flags.startsWith("-u") ? [] : AS_ROOT), ...args]),
      ]);
      expect(ours.code).toBe(theirs.code);
      // The last word of a failed bind is an errno that memcached has overwritten by then.
      const withoutErrno = (text: string) => text.replace(/(\/socket): .*$/, "$1");
      expect(withoutErrno(complaintOf(ours.stderr))).toBe(withoutErrno(complaintOf(theirs.stderr)));
      expect(ours.stdout).toBe("");
    });
  }
});

describe("what is no option starts no server", () => {
  test("help is -h", async () => {
    const { stdout, code } = await outcomeOf(process.execPath, [MAIN, "help"]);
    expect(stdout).toContain("-p, --port=<num>          TCP port to listen on (default: 11211)");
    expect(code).toBe(0);
  });

  for (const args of [["tpo"], ["-v", "extra"], ["help!"]]) {
    test(args.join(" "), async () => {
      const { stderr, code } = await outcomeOf(process.execPath, [MAIN, ...args]);
      expect(stderr).toContain("is no command and belongs to no option");
      expect(stderr).toContain("usage: shardcached [options]");
      expect(code).toBe(64);
    });
  }
});

describe("what this machine cannot mean is one line, before any thread", () => {
  test("-m in bytes by mistake", async () => {
    const { stderr, code } = await outcomeOf(process.execPath, [MAIN, "-m", "1073741824"]);
    expect(stderr).toMatch(/^Invalid item memory \(-m, --memory-limit: got "1048576g", .*\n$/);
    expect(code).toBe(64);
  });

  test("an address space in which V8 finds no room", async () => {
    const limited = `ulimit -v 1000000; exec ${process.execPath} "$0" "$@"`;
    const { stderr, code } = await outcomeOf("/bin/sh", ["-c", limited, MAIN, "-p", "-1"]);
    expect(stderr).toMatch(/^the limit of addresses is too low \(ulimit -v: .*\n$/);
    expect(code).toBe(71);
  });
});

describe("--check-config", () => {
  test("names every fault of every source, and what only a start would find", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shardcached-check-"));
    const file = join(folder, "a.conf");
    writeFileSync(file, "prot = 5\nconn-limit = 0\n");
    const flags = ["--check-config", "--config", file, "-t", "0", "-Y", join(folder, "none")];
    const { stderr, code } = await outcomeOf(process.execPath, [MAIN, ...flags]);
    rmSync(folder, { recursive: true });
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringContaining('-t, --threads: got "0"'),
      expect.stringContaining(`${file} line 1: "prot" is no option, did you mean port?`),
      expect.stringContaining(`${file} line 2, conn-limit: got "0"`),
      expect.stringContaining("Could not open authfile"),
    ]);
    expect(code).toBe(1);
  });
});

describe("what is printed begins as memcached's", () => {
  test("-V: one line, memcached and a version first", async () => {
    const { stdout, code } = await outcomeOf(process.execPath, [MAIN, "-V"]);
    expect(stdout).toMatch(/^memcached 1\.6\.45 \(shardcached \d+\.\d+\.\d+\)\n$/);
    expect(code).toBe(0);
  });

  test("-h: every flag of memcached's help is in ours, at the same column", async () => {
    const [ours, theirs] = await Promise.all([
      outcomeOf(process.execPath, [MAIN, "-h"]),
      outcomeOf("memcached", ["-h"]),
    ]);
    const flagsOf = (help: string) =>
      help.split("\n").flatMap((line) => /^-(?:\w, )?-*[\w-]+(?==|\s)/.exec(line)?.[0] ?? []);
    const known = new Set(flagsOf(ours.stdout));
    const spelledOtherwise = new Set(["-D", "-W", "-N, --napi_ids"]);
    const missing = flagsOf(theirs.stdout).filter(
      (flag) => !known.has(flag) && !spelledOtherwise.has(flag),
    );
    expect(missing).toEqual([]);
    const line = "-p, --port=<num>          TCP port to listen on (default: 11211)";
    expect(ours.stdout.split("\n")[1]).toBe(line);
    expect(theirs.stdout.split("\n")[1]).toBe(line);
    expect(ours.code).toBe(0);
  });

  test("-i: the version, a blank line, the licence", async () => {
    const { stdout, code } = await outcomeOf(process.execPath, [MAIN, "-i"]);
    expect(stdout).toMatch(/^memcached 1\.6\.45 .*\n\nMIT License\n/);
    expect(code).toBe(0);
  });

  test("--print-config is read back by --check-config", async () => {
    const printed = await outcomeOf(process.execPath, [MAIN, "--print-config", "-m", "2g", "-vv"]);
    expect(printed.stdout).toContain("memory-limit = 2g\n");
    const checked = await outcomeOf(process.execPath, [MAIN, "--check-config", "-m", "2g"]);
    expect(checked).toEqual({ code: 0, stdout: "the configuration is good\n", stderr: "" });
  });
});

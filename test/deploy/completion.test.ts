/** The completion scripts, held to the option table and tried in the shells they are for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { completionScript } from "../../src/config/completion.ts";
import { SHELLS } from "../../src/config/option.ts";
import { OPTIONS } from "../../src/config/options.ts";
import { missing, runProgram } from "../support/run-program.ts";
import { loadFrom, refusalOf } from "../unit/config/load-from.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-completion-"));
  for (const shell of SHELLS) writeFileSync(join(folder, shell), completionScript(shell));
});

afterAll(() => rmSync(folder, { recursive: true }));

test("--completion takes a shell, whatever else is wrong", () => {
  expect(loadFrom({ args: ["--completion", "fish", "-t", "none"] })).toMatchObject({
    wish: "completion",
    shell: "fish",
  });
  expect(refusalOf({ args: ["--completion=ksh"] }).message).toBe(
    'Unknown shell ksh (--completion: got "ksh", allowed: bash, zsh, fish)',
  );
});

/** True when a script has the word, and not only a longer one. */
function offers(script: string, word: string): boolean {
  return new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(script);
}

for (const shell of SHELLS) {
  describe(`completionScript("${shell}")`, () => {
    const dashes = shell === "fish" ? "-l " : "--";
    for (const { name, help } of OPTIONS) {
      const isIdle = /^not supported|accepted|not done yet/.test(help.join(" "));
      test(`${isIdle ? "leaves out" : "knows"} --${name}`, () => {
        expect(offers(completionScript(shell), `${dashes}${name}`)).toBe(!isIdle);
      });
    }

    test("offers no suboption that is only warned of, and each that has an effect", () => {
      const script = completionScript(shell);
      for (const word of ["ext_path", "ssl_key", "slab_automove", "hashpower", "modern"]) {
        expect(offers(script, word)).toBe(false);
      }
      for (const word of ["idle_timeout=", "no_lending", "busy_poll=", "track_sizes", "debug"]) {
        expect(offers(script, word)).toBe(true);
      }
    });

    test("describes each in a line of a menu", () => {
      const lines = completionScript(shell).match(/(?<= -d ').*(?='$)/gm) ?? [];
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(62);
    });

    test(`${shell} can read it${missing(shell)}`, async () => {
      if (missing(shell) !== "") return;
      const outcome = await runProgram(shell, ["-n", join(folder, shell)]);
      expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
    });
  });
}

describe("bash offers", () => {
  for (const [typed, offered] of [
    [["t"], ["top"]],
    [["c"], ["cluster"]],
    [
      ["cluster", ""],
      ["status", "ring", "owner", "forget"],
    ],
    [["cluster", "owner", ""], []],
    [["top", ""], ["-n"]],
    [["top", "-"], ["-n"]],
    [["top", "http://127.0.0.1:1/", "--mem"], []],
    [["--prot"], ["--protocol"]],
    [
      ["--protocol", "a"],
      ["auto", "ascii"],
    ],
    [["--protocol", "=", "b"], ["binary"]],
    [
      ["--transport", "="],
      ["auto", "native", "epoll", "uring", "node"],
    ],
    [["-o", "idle"], ["idle_timeout="]],
    [["-o", "track_sizes,idle"], ["track_sizes,idle_timeout="]],
    [["-m", "6"], []],
    [["-v", "--check"], ["--check-config"]],
  ] as const) {
    test(`${offered.join(" ") || "nothing"} after ${typed.join(" ")}`, async () => {
      const words = ["shardcached", ...typed].map((word) => `'${word}'`).join(" ");
      const script = `compopt() { :; }; source '${join(folder, "bash")}'
        COMP_WORDS=(${words}); COMP_CWORD=${typed.length}
        _shardcached; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await runProgram("bash", ["-c", script]);
      expect(stdout.split("\n").filter((line) => line !== "")).toEqual(offered);
    });
  }
});

describe("zsh", () => {
  test(`takes it from \`source\`, too${missing("zsh")}`, async () => {
    if (missing("zsh") !== "") return;
    const script = `autoload -U compinit; compinit -D -u
      source '${join(folder, "zsh")}'; print -r -- $_comps[shardcached]`;
    const outcome = await runProgram("zsh", ["-f", "-c", script]);
    expect(outcome).toEqual({ code: 0, stdout: "_shardcached\n", stderr: "" });
  });
});

describe("fish offers", () => {
  for (const [typed, offered] of [
    ["--prot", ["--protocol"]],
    ["top -", ["-n"]],
    ["cluster o", ["owner"]],
    ["--protocol a", ["ascii", "auto"]],
    ["-o track_sizes,idle", ["track_sizes,idle_timeout="]],
  ] as const) {
    test(`${offered.join(" ")} after ${typed}${missing("fish")}`, async () => {
      if (missing("fish") !== "") return;
      const script = `source '${join(folder, "fish")}'; complete -C 'shardcached ${typed}'`;
      const { stdout } = await runProgram("fish", ["--no-config", "-c", script]);
      const words = stdout.split("\n").map((line) => line.split("\t")[0]);
      expect(words.filter((word) => word !== "")).toEqual(offered);
    });
  }
});

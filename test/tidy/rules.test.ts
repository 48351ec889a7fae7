/**
 * Each rule of scripts/tidy finds the fault it is for, in a repository of a few lines, and lets its
 * good twin pass.
 */
import { describe, expect, test } from "vitest";
// @ts-expect-error a script, without types
import { verdictOn } from "../../scripts/tidy/allowance.mjs";
// @ts-expect-error a script, without types
import { falseDrawings } from "../../scripts/tidy/drawings.mjs";
// @ts-expect-error a script, without types
import { deadExports } from "../../scripts/tidy/exports.mjs";
// @ts-expect-error a script, without types
import { deadFiles } from "../../scripts/tidy/imports.mjs";
// @ts-expect-error a script, without types
import { longFiles, wideLines } from "../../scripts/tidy/lines.mjs";
// @ts-expect-error a script, without types
import { unreadMembers } from "../../scripts/tidy/members.mjs";
// @ts-expect-error a script, without types
import { deadNames, deadPaths } from "../../scripts/tidy/mentions.mjs";
// @ts-expect-error a script, without types
import { allocations } from "../../scripts/tidy/request-path.mjs";
// @ts-expect-error a script, without types
import { treeOf } from "../../scripts/tidy/tree.mjs";

type Texts = Readonly<Record<string, string>>;
type Rule = (tree: unknown) => { path: string; line: number; message: string }[];

/** What a rule says of these files, `path:line message` each. */
function found(rule: unknown, texts: Texts): string[] {
  return (rule as Rule)(treeOf(texts)).map(
    ({ path, line, message }) => `${path}:${line} ${message}`,
  );
}

describe("allowances", () => {
  test("as many faults as are known pass", () => {
    expect(verdictOn("wide line", 7, 7).hasFailed).toBe(false);
    expect(verdictOn("wide line", 0, 0).hasFailed).toBe(false);
  });

  test("one more is a fault, and all are listed", () => {
    expect(verdictOn("wide line", 8, 7)).toEqual({
      hasFailed: true,
      listsFaults: true,
      message: "wide line: 8 found, 7 allowed",
    });
  });

  test("one fewer is a fault of the allowance: it can only fall", () => {
    expect(verdictOn("wide line", 6, 7)).toEqual({
      hasFailed: true,
      listsFaults: false,
      message: "wide line: 6 found, 7 allowed: write 6 in scripts/tidy.mjs",
    });
  });
});

describe("dead files", () => {
  const entries: Texts = {
    "src/main.ts": 'import "./a.ts";',
    "workers/shard.ts": 'import "../src/b.ts";',
    "src/a.ts": "",
    "src/b.ts": "",
  };

  test("a file of src that only a test imports is dead", () => {
    const texts = { ...entries, "src/c.ts": "", "test/c.test.ts": 'import "../src/c.ts";' };
    expect(found(deadFiles, texts)).toEqual([
      "src/c.ts:1 not reached from src/main.ts or workers/shard.ts",
    ]);
  });

  test("two files that import each other, and nobody else does, are dead", () => {
    const texts = {
      ...entries,
      "test/x.ts": 'import "./y.ts";',
      "test/y.ts": 'import "./x.ts";',
    };
    expect(found(deadFiles, texts)).toHaveLength(2);
  });

  test("a program whose header says how it is run is alive", () => {
    const texts = { ...entries, "bench/a.ts": "// Run by: node dist/bench/a.js", "bench/b.ts": "" };
    expect(found(deadFiles, texts)).toEqual(["bench/b.ts:1 nothing leads here"]);
  });

  test("a worker that is started by its file's name is alive, and what it imports", () => {
    const texts = {
      ...entries,
      "test/a.test.ts": 'run("test/support/peer.js", 1);',
      "test/support/peer.ts": 'import "./other.ts";',
      "test/support/other.ts": "",
    };
    expect(found(deadFiles, texts)).toEqual([]);
  });
});

describe("dead exports", () => {
  test("a value nobody imports is one", () => {
    expect(found(deadExports, { "src/a.ts": "export const A = 1;\nconsole.log(A);" })).toEqual([
      "src/a.ts:1 nobody imports A: no `export`",
    ]);
  });

  test("a function that only a test calls is one, unless it says so", () => {
    const user = 'import { f } from "../src/a.ts";\nf();';
    const texts = { "src/a.ts": "export function f() {}", "test/a.test.ts": user };
    expect(found(deadExports, texts)).toEqual(["src/a.ts:1 only tests use f"]);
    const said = { ...texts, "src/a.ts": "/** Walks. Tests only. */\nexport function f() {}" };
    expect(found(deadExports, said)).toEqual([]);
  });

  test("a type that its own file's signatures name is none", () => {
    const texts = {
      "src/a.ts": "export interface P {\n  x: number;\n}\nexport const f = (p: P) => p.x;",
      "src/main.ts": 'import { f } from "./a.ts";\nf({ x: 1 });',
    };
    expect(found(deadExports, texts)).toEqual([]);
  });
});

describe("unread members", () => {
  const declares = "export interface Settings {\n  readonly promoteHits: number;\n}";

  test("a setting that is written, and hidden by another of its name, is found", () => {
    const texts = {
      "src/config/settings.ts": declares,
      "src/config/options.ts": 'const row = ["promoteHits", "promote-hits"];',
      "src/store/evictor.ts":
        "interface Options { promoteHits: number }\nexport const f = (o: Options) => o.promoteHits;",
    };
    expect(found(unreadMembers, texts)).toEqual([
      "src/config/settings.ts:2 nothing reads Settings.promoteHits",
    ]);
  });

  test.each([
    ["a read", "const f = (settings: Settings) => settings.promoteHits;"],
    ["a taking apart", "const f = ({ promoteHits }: Settings) => promoteHits;"],
    ["a read of what cannot be told", "const f = () => own().promoteHits;"],
  ])("%s is enough", (_, code) => {
    expect(found(unreadMembers, { "src/config/settings.ts": declares, "src/a.ts": code })).toEqual(
      [],
    );
  });

  test("an assignment is no read", () => {
    const code = "const f = (settings: Settings) => { settings.promoteHits = 1; };";
    expect(
      found(unreadMembers, { "src/config/settings.ts": declares, "src/a.ts": code }),
    ).toHaveLength(1);
  });

  test("a part that is passed on and never used is found, whoever has one of its name", () => {
    const texts = {
      "src/a.ts":
        "interface AParts { encoder: number; own: 1 }\nexport const a = (p: AParts) => p.encoder + p.own;",
      "src/b.ts": "interface BParts { encoder: number }\nexport const b = (p: BParts) => p;",
    };
    expect(found(unreadMembers, texts)).toEqual(["src/b.ts:1 nothing reads BParts.encoder"]);
  });

  test("a method that nothing calls is found, unless its comment says who does", () => {
    const code = "export class A {\n  /** WORDS */\n  gone(): void {}\n}";
    expect(found(unreadMembers, { "src/a.ts": code })).toEqual(["src/a.ts:3 nothing reads A.gone"]);
    const said = code.replace("WORDS", "Called by Node.");
    expect(found(unreadMembers, { "src/a.ts": said })).toEqual([]);
  });
});

describe("lines", () => {
  test("500 lines are a file, 501 are not", () => {
    expect(found(longFiles, { "src/a.ts": "\n".repeat(500) })).toEqual([]);
    expect(found(longFiles, { "src/a.ts": "\n".repeat(501) })).toHaveLength(1);
  });

  test("100 columns are a line, 101 are not; a letter is one column", () => {
    expect(found(wideLines, { "src/a.ts": `// ${"ä".repeat(97)}` })).toEqual([]);
    expect(found(wideLines, { "src/a.ts": `// ${"ä".repeat(98)}` })).toEqual([
      "src/a.ts:1 101 columns, 100 at most",
    ]);
  });

  test("a text stays in one piece; a comment behind it is no text", () => {
    expect(found(wideLines, { "src/a.ts": `f("${"x".repeat(120)}");` })).toEqual([]);
    expect(found(wideLines, { "src/a.ts": `f("x"); // ${"x".repeat(120)}` })).toHaveLength(1);
  });
});

describe("mentions", () => {
  const files: Texts = { "src/ring/wake.ts": "export class Sleeper { wait() {} }" };

  test.each(["ring/wake.ts", "src/ring/wake.ts", "src/ring", "wake.ts", "dist/server/src/main.js"])(
    "%s is there",
    (path) => {
      expect(found(deadPaths, { ...files, "src/a.ts": `// See ${path}.` })).toEqual([]);
    },
  );

  test.each(["ring/gone.ts", "src/ring/gone.ts", "gone.ts", "docs/gone.md", "ring/gone"])(
    "%s is not",
    (path) => {
      const expected = `:1 no such file: ${path}`;
      const text = `See ${path}.`;
      expect(found(deadPaths, { ...files, "src/a.ts": `// ${text}` })).toEqual([
        `src/a.ts${expected}`,
      ]);
      expect(found(deadPaths, { ...files, "README.md": text })).toEqual([`README.md${expected}`]);
    },
  );

  test.each([["`Sleeper.wait`"], ["`wait()`"], ["SharedArrayBuffer"]])("%s is a name", (name) => {
    expect(found(deadNames, { ...files, "src/a.ts": `// ${name}` })).toEqual([]);
  });

  test.each([
    ["`Sleeper.gone`", "Sleeper.gone"],
    ["`gone()`", "gone"],
    ["DeepSleeper", "DeepSleeper"],
    ["SLEEPERS_MAX", "SLEEPERS_MAX"],
  ])("%s is none", (text, name) => {
    expect(found(deadNames, { ...files, "src/a.ts": `// ${text}` })).toEqual([
      `src/a.ts:1 no such name in the code: ${name}`,
    ]);
  });
});

describe("drawings", () => {
  const header = "/**\n *  byte 0       4       8\n *       | at    | to    |\n */\n";

  test("a place that the header does not draw is found", () => {
    const code = `${header}const AT_OFFSET = 0;\nconst TO_WORD = 1;\nconst GONE_OFFSET = 12;`;
    expect(found(falseDrawings, { "src/a.ts": code })).toEqual([
      "src/a.ts:7 GONE_OFFSET is 12: the header's drawing does not show it",
    ]);
  });

  test.each(["AWAKE   0", "AWAKE (0)", "`AWAKE` = 0"])("%s is held to the constant", (said) => {
    const text = (value: number) => `// ${said}\nconst AWAKE = ${value};`;
    expect(found(falseDrawings, { "src/a.ts": text(0) })).toEqual([]);
    expect(found(falseDrawings, { "src/a.ts": text(1) })).toEqual([
      "src/a.ts:1 the comment says AWAKE is 0, the code 1",
    ]);
  });

  test("arithmetic on constants is done", () => {
    const code = "// LINE_BYTES = 64\nconst WORDS = 4;\nconst LINE_BYTES = WORDS << 3;";
    expect(found(falseDrawings, { "src/a.ts": code })).toEqual([
      "src/a.ts:1 the comment says LINE_BYTES is 64, the code 32",
    ]);
  });
});

describe("allocations", () => {
  test.each([
    ["new", "const a = new A();"],
    ["an array", "const a = [1];"],
    ["an object", "const a = {};"],
    ["a closure", "const a = () => 1;"],
    ["a spread", "f(...a);"],
    ["a throw", 'throw "x";'],
    ["text put together", `f(\`a \${b}\`);`],
  ])("%s is found", (what, line) => {
    const code = `export function f() {\n  ${line}\n}`;
    expect(found(allocations, { "src/store/a.ts": code })).toEqual([
      `src/store/a.ts:2 ${what} on the request path: say // alloc: why`,
    ]);
    expect(found(allocations, { "src/admin/a.ts": code })).toEqual([]);
    const said = `export function f() {\n  ${line} // alloc: at the start only\n}`;
    expect(found(allocations, { "src/store/a.ts": said })).toEqual([]);
  });

  test("constructors and module level are not on it", () => {
    const code =
      "const a = [1];\nexport class A {\n  b = [];\n  constructor() {\n    f([]);\n  }\n}";
    expect(found(allocations, { "src/store/a.ts": code })).toEqual([]);
  });

  test("a function, and a file, may say that they are not on it", () => {
    const code =
      "/** Not on the request path: at the start. */\nexport function f() {\n  g([]);\n}";
    expect(found(allocations, { "src/store/a.ts": code })).toEqual([]);
    const file = `${code.split("\n")[0]}\nimport { g } from "./g.ts";\nf = () => g([]);`;
    expect(found(allocations, { "src/store/a.ts": file })).toEqual([]);
    expect(found(allocations, { "src/store/a.ts": code.replace("Not on", "On") })).toHaveLength(1);
  });
});

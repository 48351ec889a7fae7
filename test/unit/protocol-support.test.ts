/**
 * docs/protocol-support.md is held to the code: every test it names is there, and whatever a client
 * or an operator can say to the server, and every name it answers with, has a row.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { OPTIONS } from "../../src/config/options.ts";
import { EXTENDED_DEFAULTS } from "../../src/config/settings.ts";
import { SUBOPTIONS } from "../../src/config/suboptions.ts";
import { OPCODE_OP } from "../../src/protocol/binary/binary-packet.ts";
import { TEXT_COMMANDS } from "../../src/protocol/text/text-table.ts";
import { isNamedTest } from "../support/named-tests.ts";
import { observedNode, statsOf } from "../support/observed-node.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => readFileSync(at(path), "utf8");

interface Row {
  readonly names: readonly string[];
  readonly state: string;
  readonly note: string;
  readonly test: string;
}

/** The rows of each table, by its heading. */
function tablesOf(page: string): Map<string, Row[]> {
  const tables = new Map<string, Row[]>();
  for (const section of page.split("\n## ").slice(1)) {
    const [heading = "", ...lines] = section.split("\n");
    const rows = lines.filter((line) => line.startsWith("| `"));
    tables.set(
      heading,
      rows.map((line) => {
        const [, what = "", state = "", note = "", shown = ""] = line.split("|");
        const names = [...what.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
        return { names, state: state.trim(), note: note.trim(), test: shown.trim() };
      }),
    );
  }
  return tables;
}

const tables = tablesOf(read("docs/protocol-support.md"));
const rows = [...tables.values()].flat();

/** What has a row under a heading. */
function namesUnder(...headings: readonly string[]): string[] {
  return headings.flatMap((heading) => (tables.get(heading) ?? []).flatMap(({ names }) => names));
}

/** A stat's name without the class, thread, family or descriptor it is about. */
function bare(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

/** The names a source file emits, for lists that an empty node leaves out. */
function emittedIn(path: string): string[] {
  const source = read(path);
  const literals = source.matchAll(/emit\(\s*["`]([^"`]+)["`]|^ {2}\["(\w+)",/gm);
  return [...literals]
    .map((match) => bare(match[1] ?? match[2] ?? ""))
    .filter((name) => !name.includes("$"));
}

describe("every row of docs/protocol-support.md", () => {
  test("says supported, or different or absent and why", () => {
    expect(rows.length).toBeGreaterThan(150);
    for (const { names, state, note } of rows) {
      expect(["supported", "different", "absent"], names.join()).toContain(state);
      if (state !== "supported" && note === "") expect.fail(`${names.join()}: a reason is missing`);
    }
  });

  test("names a test that is there", () => {
    const wrong = rows.filter((row) => !row.test.includes(" › ") || !isNamedTest(row.test));
    expect(wrong.map(({ names, test: shown }) => `${names.join()}: ${shown}`)).toEqual([]);
  });

  /** Says itself that the server does nothing but read it. */
  const READ_ONLY = /^(Checked|Accepted|Nothing|Like -f|The next table)|data is not kept yet/;
  /** What they change is seen by no test yet: fewer, never more. */
  const UNSEEN = ["-b", "-D", "-v", "read_buf_mem_limit", "MEMCACHED_SASL_PWDB"];

  test("of an option that has an effect names a test that sees it, not only that it is read", () => {
    const options = ["Command-line options", "Suboptions of -o"].flatMap(
      (heading) => tables.get(heading) ?? [],
    );
    const onlyRead = options.filter(
      ({ state, note, test: shown }) =>
        shown.startsWith("unit/config/") && state !== "absent" && !READ_ONLY.test(note),
    );
    const unseen = onlyRead.map(({ names }) => names[0] as string);
    expect(unseen.filter((name) => !UNSEEN.includes(name))).toEqual([]);
  });

  test("stands once in its table", () => {
    for (const [heading, table] of tables) {
      const names = table.flatMap((row) => row.names);
      expect(
        names.filter((name, index) => names.indexOf(name) !== index),
        heading,
      ).toEqual([]);
    }
  });
});

describe("docs/protocol-support.md has a row for", () => {
  const missing = (wanted: readonly string[], ...headings: readonly string[]) => {
    const there = new Set(namesUnder(...headings));
    return [...new Set(wanted)].filter((name) => !there.has(name));
  };

  test("every option, short and long", () => {
    const wanted = OPTIONS.flatMap(({ letter, name, aliases = [] }) => [
      ...(letter === "" ? [] : [`-${letter}`]),
      `--${name}`,
      ...aliases.map((alias) => `--${alias}`),
    ]);
    expect(missing(wanted, "Command-line options")).toEqual([]);
  });

  test("every suboption of -o", () => {
    const wanted = SUBOPTIONS.map(({ name }) => name);
    expect(missing(wanted, "Suboptions of -o")).toEqual([]);
  });

  test("every command the parsers know", () => {
    const wanted = TEXT_COMMANDS.map(({ word }) => word);
    expect(wanted).toEqual(expect.arrayContaining(["verbosity", "mg"]));
    const known = [
      ...namesUnder("Classic text commands", "Meta commands"),
      ...namesUnder("Classic text commands").flatMap((name) => name.split(" ")),
    ];
    expect(wanted.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("every meta flag the scanner knows", () => {
    const source = read("src/protocol/meta/meta-flags.ts");
    const wanted = [...source.matchAll(/^const (?:BARE|TOKEN)_FLAGS = "(\w+)"/gm)]
      .map((match) => match[1] as string)
      .join("");
    expect(wanted.length).toBeGreaterThan(20);
    expect(missing([...wanted], "Meta flags")).toEqual([]);
  });

  test("every binary opcode", () => {
    const wanted = [...OPCODE_OP.keys()]
      .filter((opcode) => OPCODE_OP[opcode] !== 0)
      .map((opcode) => `0x${opcode.toString(16).padStart(2, "0")}`);
    expect(missing(wanted, "Binary opcodes")).toEqual([]);
  });

  test("every list of stats", () => {
    const source = read("src/stats/render.ts");
    const wanted = [...source.matchAll(/case "(\w+)":/g)].map((match) => match[1] as string);
    const lists = wanted.filter((word) => !["on", "off", "dump"].includes(word));
    expect(
      missing(
        lists.map((word) => `stats ${word}`),
        "Lists of stats",
      ),
    ).toEqual([]);
  });

  test("every name in stats and stats settings, with every setting on", () => {
    const extended = { ...EXTENDED_DEFAULTS, temporaryTtl: true };
    const { view } = observedNode({ extended, idleSeconds: 5 });
    expect(missing(statsOf(view).names, "stats")).toEqual([]);
    expect(missing(statsOf(view, "settings").names, "stats settings")).toEqual([]);
  });

  test("every name in the other lists", () => {
    const classes = emittedIn("src/stats/classes.ts");
    expect(classes).toContain("free_chunks_end");
    expect(missing(classes, "stats items", "stats slabs")).toEqual([]);
    expect(missing(emittedIn("src/stats/conns.ts"), "stats conns")).toEqual([]);
    const own = "stats latency, stats workers and stats hotkeys";
    for (const list of ["latency", "workers", "hot-keys"]) {
      expect(missing(emittedIn(`src/stats/${list}.ts`), own)).toEqual([]);
    }
    const { view } = observedNode();
    expect(missing(statsOf(view, "workers").names.map(bare), own)).toEqual([]);
  });
});

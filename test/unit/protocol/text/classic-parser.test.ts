import { describe, expect, test } from "vitest";
import { KEY_250, KEY_251, table } from "../../../support/parser-table.ts";
import { Listener, requestsOf } from "../../../support/spoken.ts";

table("lines", [
  ["get foo\n", "get foo wantsValue"],
  ["get foo\r\r\n", "get foo\r wantsValue"],
  ["get foo\tbar\r\n", "get foo\tbar wantsValue"],
  ["get a\rb\r\n", "get a\rb wantsValue"],
  ["get \x00\x01\xff\r\n", "get \x00\x01\xff wantsValue"],
  ["get   foo  \r\n", "get foo wantsValue"],
  ["\r\n", "error badFormat"],
  ["\n", "error badFormat"],
  ["a\r\n", "error badFormat"],
  ["mn\n", "error badFormat"],
  [" \r\n", "error badFormat"],
  ["    \r\n", "error unknownCommand"],
  [" get foo\r\n", "error unknownCommand"],
  ["GET foo\r\n", "error unknownCommand"],
  ["getx foo\r\n", "error unknownCommand"],
  ["ge foo\r\n", "error unknownCommand"],
  ["bogus noreply\r\n", "error unknownCommand noreply"],
  ["bogus noreply x\r\n", "error unknownCommand"],
  [`bogus${" x".repeat(21)} noreply y\r\n`, "error unknownCommand noreply"],
  [`bogus${" x".repeat(22)} noreply\r\n`, "error unknownCommand"],
  ["GET / HTTP/1.1\r\n", "close"],
  ["version\r\nfoo bar HTTP/\r\nversion\r\n", "version", "close"],
  ["get / HTTP/1.1\r\n", "get / wantsValue more", "get HTTP/1.1 wantsValue next"],
  [`${"x".repeat(5000)}\r\n`, "error unknownCommand"],
  ["refresh_certs\r\n", "error unknownCommand"],
  ["extstore free_memchunks 1 2\r\n", "error unknownCommand"],
  ["misbehave\r\n", "error unknownCommand"],
]);

describe("lines without an end", () => {
  for (const [text, expected] of [
    ["x".repeat(2048), []],
    ["x".repeat(2049), ["close"]],
    [`get ${"x".repeat(2100)}`, []],
    [`gets ${"x ".repeat(2100)}`, []],
    [`${" ".repeat(100)}get ${"x".repeat(2100)}`, []],
    [`${" ".repeat(101)}get ${"x".repeat(2100)}`, ["close"]],
    [" ".repeat(3000), ["close"]],
    [`getx${"x".repeat(2100)}`, ["close"]],
    [`get${"\t".repeat(2100)}`, ["close"]],
    [`gat 0 ${"x ".repeat(2100)}`, ["close"]],
    [`set ${"x ".repeat(2100)}`, ["close"]],
  ] as const) {
    test(`${JSON.stringify(text.slice(0, 20))}… (${text.length} bytes) gives [${expected}]`, () => {
      expect(new Listener().hear(text)).toEqual(expected);
    });
  }

  test("a get of more than 16 KiB is served as it comes, whatever its pieces", () => {
    const keys = Array.from({ length: 4000 }, (_, index) => `key${index}`);
    const text = `gets ${keys.join(" ")} \r\nversion\r\n`;
    const whole = requestsOf(text);
    expect(whole.length).toBe(4001);
    for (const piece of [1, 7, 1460]) {
      const listener = new Listener();
      const heard: string[] = [];
      for (let at = 0; at < text.length; at += piece) {
        if (at > 20_000 && at <= 20_000 + piece) expect(heard.length).toBeGreaterThan(1500);
        heard.push(...listener.hear(text.slice(at, at + piece)));
      }
      expect(heard).toEqual(whole);
    }
  });

  test("a bad key so late is an error behind what was answered, and closes", () => {
    const keys = Array.from({ length: 2500 }, (_, index) => `key${index}`);
    const text = `get ${keys.join(" ")} ${"x".repeat(251)} late\r\nversion\r\n`;
    for (const piece of [7, 1460, text.length]) {
      const listener = new Listener();
      const heard: string[] = [];
      for (let at = 0; at < text.length && !listener.closed; at += piece) {
        heard.push(...listener.hear(text.slice(at, at + piece)));
      }
      expect(heard.length).toBe(2501);
      expect(heard[2500]).toBe("error badFormat closes");
    }
  });

  test("a get of 2000 long keys is served", () => {
    const keys = Array.from({ length: 2000 }, (_, index) => `${"k".repeat(196)}${index}`);
    const heard = requestsOf(`get ${keys.join(" ")}\r\nversion\r\n`);
    expect(heard.length).toBe(2001);
    expect(heard[2000]).toBe("version");
  });
});

table("retrieval", [
  ["get foo\r\n", "get foo wantsValue"],
  ["gets foo\r\n", "get foo wantsValue withCas"],
  ["get a b\r\n", "get a wantsValue more", "get b wantsValue next"],
  ["get a a \r\n", "get a wantsValue more", "get a wantsValue next"],
  [
    "gets a  b c\r\n",
    "get a wantsValue withCas more",
    "get b wantsValue withCas next more",
    "get c wantsValue withCas next",
  ],
  ["get foo noreply\r\n", "get foo wantsValue more", "get noreply wantsValue next"],
  ["get\r\n", "error badFormat"],
  ["get \r\n", "error badFormat"],
  ["gets\r\n", "error badFormat"],
  [`get ${KEY_250}\r\n`, `get ${KEY_250} wantsValue`],
  [`get ${KEY_251}\r\n`, "error badFormat"],
  [`get a b ${KEY_251}\r\n`, "error badFormat"],
  [`get ${KEY_251} b\r\nversion\r\n`, "error badFormat", "version"],
  [`get ${KEY_250} ${KEY_251} b\r\n`, "error badFormat"],
  ["gat 30 foo\r\n", "fetch foo exptime=130 wantsValue"],
  ["gat 0 foo\r\n", "fetch foo exptime=0 wantsValue"],
  ["gat -1 foo\r\n", "fetch foo exptime=1 wantsValue"],
  [
    "gats 1700000200 a b\r\n",
    "fetch a exptime=200 wantsValue withCas more",
    "fetch b exptime=200 wantsValue withCas next",
  ],
  ["gat 0\r\n", "error badFormat"],
  ["gat\r\n", "error badFormat"],
  ["gat x foo\r\n", "error invalidExptime"],
  ["gat +1 foo\r\n", "error invalidExptime"],
  ["gat 2147483648 foo\r\n", "error invalidExptime"],
  [`gat 0 a ${KEY_251}\r\n`, "error badFormat"],
  [`get ${"k ".repeat(40)}\r\n`, ...multiget(40)],
]);

function multiget(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const next = index > 0 ? " next" : "";
    return `get k wantsValue${next}${index < count - 1 ? " more" : ""}`;
  });
}

table("storage", [
  ["set foo 5 30 3\r\nbar\r\n", "store set foo flags=5 exptime=130 value=bar"],
  ["set foo 0 0 0\r\n\r\n", "store set foo value="],
  ["set foo 0 0 3 noreply\r\nbar\r\n", "store set foo value=bar noreply"],
  ["set foo 0 0 3 NOREPLY\r\nbar\r\n", "store set foo value=bar"],
  ["set foo 0 0 3 x y\r\nbar\r\n", "store set foo value=bar"],
  ["set foo 0 0 3\nbar\r\n", "store set foo value=bar"],
  ["add foo 1 -1 3\r\nbar\r\n", "store add foo flags=1 exptime=1 value=bar"],
  ["replace foo 0 0 3\r\nbar\r\n", "store replace foo value=bar"],
  ["append foo 0 0 3\r\nbar\r\n", "store append foo value=bar"],
  ["prepend foo 0 0 3\r\nbar\r\n", "store prepend foo value=bar"],
  ["cas foo 0 0 3 7\r\nbar\r\n", "store set foo value=bar cas=7"],
  ["cas foo 0 0 3 7 noreply\r\nbar\r\n", "store set foo value=bar cas=7 noreply"],
  [
    "cas foo 0 0 3 18446744073709551615\r\nbar\r\n",
    "store set foo value=bar cas=18446744073709551615",
  ],
  ["set foo +5 0 3\r\nbar\r\n", "store set foo flags=5 value=bar"],
  ["set foo 4294967296 0 3\r\nbar\r\n", "store set foo value=bar"],
  ["set foo 4294967295 0 3\r\nbar\r\n", "store set foo flags=4294967295 value=bar"],
  ["set foo 0 2592000 1\r\nx\r\n", "store set foo exptime=2592100 value=x"],
  ["set foo 0 2592001 1\r\nx\r\n", "store set foo exptime=1 value=x"],
  ["set foo 0 1700000300 1\r\nx\r\n", "store set foo exptime=300 value=x"],
  ["set foo 0 2147483648 1\r\nx\r\n", "store set foo exptime=1 value=x"],
  ["set foo 0 4294967296 1\r\nx\r\n", "store set foo value=x"],
  ["set foo 0 0 003\r\nbar\r\n", "store set foo value=bar"],
  [`set ${KEY_250} 0 0 1\r\nx\r\n`, `store set ${KEY_250} value=x`],
]);

table("storage lines with an error and a good byte count swallow the block", [
  ["set foo -1 0 3\r\nbar\r\nversion\r\n", "error badFormat swallow=5", "version"],
  ["set foo 1x 0 3\r\nbar\r\nversion\r\n", "error badFormat swallow=5", "version"],
  ["set foo 0 x 3\r\nbar\r\nversion\r\n", "error badFormat swallow=5", "version"],
  ["set foo 0 1.5 3 noreply\r\nbar\r\n", "error badFormat noreply swallow=5"],
  ["set foo 0 9223372036854775808 3\r\nbar\r\n", "error badFormat swallow=5"],
  [`set ${KEY_251} 0 0 3\r\nbar\r\nversion\r\n`, "error badFormat swallow=5", "version"],
  ["cas foo 0 0 3\r\nbar\r\nversion\r\n", "error badFormat swallow=5", "version"],
  ["cas foo 0 0 3 x\r\nbar\r\n", "error badFormat swallow=5"],
  ["cas foo 0 0 3 -1\r\nbar\r\n", "error badFormat swallow=5"],
  ["cas foo 0 0 3 18446744073709551616\r\nbar\r\n", "error badFormat swallow=5"],
  ["cas foo 0 0 3 noreply\r\nbar\r\n", "error badFormat noreply swallow=5"],
]);

table("storage lines with a bad byte count swallow nothing", [
  ["set foo 0 0\r\n", "error badFormat"],
  ["set noreply\r\n", "error badFormat"],
  ["set foo 0 0 -1 noreply\r\n", "error badFormat"],
  ["set foo 0 0 +3\r\nbar\r\n", "error badFormat", "error unknownCommand"],
  ["set foo 0 0 abc\r\n", "error badFormat"],
  ["set foo 0 0 2147483646\r\n", "error badFormat"],
  ["set foo 0 0 2147483648\r\n", "error badFormat"],
]);

table("data blocks", [
  ["set foo 0 0 3\r\nbarbaz\r\n", "error badDataChunk", "error badFormat"],
  ["set foo 0 0 3 noreply\r\nbarba\r\n", "error badDataChunk noreply", "error badFormat"],
  ["set foo 0 0 3\r\nbar\n\nversion\r\n", "error badDataChunk", "version"],
  ["set foo 0 0 3\r\nba\r\nversion\r\n", "error badDataChunk", "error unknownCommand"],
  ["set foo 0 0 3\r\nbar", "waits"],
  ["set foo 0 0 3\r\nbar\r", "waits"],
  ["set f 0 0 1048516\r\n", "store set f streamed=1048516"],
  ["set f 0 0 1048517\r\n", "delete f tooLarge swallow=1048519"],
  ["set f 1 0 1048512\r\n", "store set f flags=1 streamed=1048512"],
  ["set f 1 0 1048513\r\n", "delete f tooLarge swallow=1048515"],
  ["set f 0 0 2147483645 noreply\r\n", "delete f tooLarge noreply swallow=2147483647"],
  ["add f 0 0 2000000\r\n", "error tooLarge swallow=2000002"],
  ["append f 0 0 2000000\r\n", "error tooLarge swallow=2000002"],
  ["cas f 0 0 2000000 1\r\n", "error tooLarge swallow=2000002"],
  [
    `set f 0 0 2000000\r\n${"x".repeat(2000000)}\r\nversion\r\n`,
    "delete f tooLarge swallow=2000002",
    "version",
  ],
  [
    `set f 0 0 70000\r\n${"x".repeat(70000)}\r\nversion\r\n`,
    "store set f streamed=70000",
    "version",
  ],
]);

table("delete, touch, incr, decr", [
  ["delete foo\r\n", "delete remove foo"],
  ["delete foo noreply\r\n", "delete remove foo noreply"],
  ["delete noreply\r\n", "delete remove noreply noreply"],
  ["delete foo 0\r\n", "delete remove foo"],
  ["delete foo 10\r\n", "delete remove foo"],
  ["delete foo 0 noreply\r\n", "delete remove foo noreply"],
  ["delete foo 1 2\r\n", "error deleteUsage"],
  ["delete a b c d e\r\n", "error unknownCommand"],
  ["delete\r\n", "error badFormat"],
  [`delete ${KEY_251}\r\n`, "error badFormat"],
  [`delete ${KEY_251} noreply\r\n`, "error badFormat noreply"],
  ["touch foo 30\r\n", "touch foo exptime=130"],
  ["touch foo -5 noreply\r\n", "touch foo exptime=1 noreply"],
  ["touch foo 0 x y\r\n", "touch foo exptime=0"],
  ["touch foo\r\n", "error badFormat"],
  ["touch noreply\r\n", "error badFormat"],
  ["touch foo noreply\r\n", "error invalidExptime noreply"],
  ["touch foo x\r\n", "error invalidExptime"],
  ["touch foo 4294967296\r\n", "error invalidExptime"],
  ["incr foo 5\r\n", "arithmetic increment foo delta=5"],
  ["decr foo 5 noreply\r\n", "arithmetic decrement foo delta=5 noreply"],
  ["incr foo 1 x y\r\n", "arithmetic increment foo delta=1"],
  ["incr f 18446744073709551615\r\n", "arithmetic increment f delta=18446744073709551615"],
  ["incr foo 18446744073709551616\r\n", "error invalidDelta"],
  ["incr foo -1\r\n", "error invalidDelta"],
  ["incr foo noreply\r\n", "error invalidDelta noreply"],
  ["incr foo\r\n", "error badFormat"],
  [`incr ${KEY_251} 1\r\n`, "error badFormat"],
]);

table("small commands", [
  ["version\r\n", "version"],
  ["version foo bar\r\n", "version"],
  ["version noreply\r\n", "version"],
  ["quit\r\nversion\r\n", "quit closes"],
  ["quit now\r\n", "quit closes"],
  ["verbosity 1\r\n", "verbosity level=1"],
  ["verbosity 9 noreply\r\n", "verbosity level=2 noreply"],
  ["verbosity\r\n", "error badFormat"],
  ["verbosity foo bar my\r\n", "error badFormat"],
  ["verbosity noreply\r\n", "error badFormat noreply"],
  ["flush_all\r\n", "flushAll exptime=0"],
  ["flush_all 0\r\n", "flushAll exptime=0"],
  ["flush_all -10\r\n", "flushAll exptime=0"],
  ["flush_all 10\r\n", "flushAll exptime=110"],
  ["flush_all noreply\r\n", "flushAll exptime=0 noreply"],
  ["flush_all 5 noreply\r\n", "flushAll exptime=105 noreply"],
  ["flush_all x\r\n", "error invalidFlushDelay"],
  ["cache_memlimit 64\r\n", "cacheMemlimit level=64"],
  ["cache_memlimit 64 noreply\r\n", "cacheMemlimit level=64 noreply"],
  ["cache_memlimit 7\r\n", "error memlimitTooSmall"],
  ["cache_memlimit 1000000001\r\n", "error memlimitTooLarge"],
  ["cache_memlimit x\r\n", "error unknownCommand"],
  ["cache_memlimit\r\n", "error unknownCommand"],
  ["shutdown\r\n", "error shutdownNotEnabled"],
  ["shutdown noreply\r\n", "error shutdownNotEnabled noreply"],
  ["stats\r\n", "stats"],
  ["stats settings\r\n", "stats settings"],
  ["stats detail on \r\n", "stats detail on"],
  ["stats noreply\r\n", "stats noreply"],
  ["slabs reassign 1 2\r\n", 'admin "slabs reassign 1 2"'],
  ["slabs automove 1 noreply\r\n", 'admin "slabs automove 1" noreply'],
  ["lru mode flat\r\n", 'admin "lru mode flat"'],
  ["lru_crawler metadump all\r\n", 'admin "lru_crawler metadump all"'],
  ["watch fetchers\r\n", 'admin "watch fetchers"'],
  ["watch noreply\r\n", 'admin "watch noreply"'],
  ["debugtime p\r\n", 'admin "debugtime p"'],
]);

table(
  "with -A",
  [
    ["shutdown\r\n", "shutdown level=0 closes"],
    ["shutdown graceful\r\n", "shutdown level=1 closes"],
    ["shutdown noreply\r\n", "shutdown level=0 noreply closes"],
    ["shutdown now\r\n", "error invalidShutdownMode"],
  ],
  { shutdownEnabled: true },
);

table(
  "with -F",
  [
    ["flush_all\r\n", "error flushNotAllowed"],
    ["flush_all noreply\r\n", "error flushNotAllowed noreply"],
  ],
  { flushEnabled: false },
);

describe("TextParser.needed", () => {
  test("is the whole request once the byte count is known", () => {
    const listener = new Listener();
    expect(listener.hear("set foo 0 0 3\r\nb")).toEqual([]);
    expect(listener.needed).toBe("set foo 0 0 3\r\nbar\r\n".length);
    expect(listener.hear("ar\r")).toEqual([]);
    expect(listener.hear("\n")).toEqual(["store set foo value=bar"]);
  });
});

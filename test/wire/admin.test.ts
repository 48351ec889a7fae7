/**
 * Commands for operators: cache_memlimit, slabs, lru, lru_crawler, stats subcommands, watch, and
 * what is off.
 */
import { describe, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { oracle18, transcriptsOn } from "../support/transcript.ts";
import { WireClient } from "../support/wire-client.ts";

const transcript = transcriptsOn({ size: "small" });

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";

/** Each line alone, with its reply. */
const LINES: readonly (readonly [
  line: string,
  reply: string,
  oracle?: readonly [string, string],
])[] = [
  ["cache_memlimit", "ERROR\r\n"],
  ["cache_memlimit x", "ERROR\r\n"],
  ["cache_memlimit 1", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"],
  ["cache_memlimit 1000000001", "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"],
  ["cache_memlimit 64", "OK\r\n"],
  ["slabs", "ERROR\r\n"],
  ["slabs foo", "ERROR\r\n"],
  ["slabs reassign", "ERROR\r\n"],
  ["slabs reassign x y", BAD_FORMAT],
  ["slabs reassign 1 1", "SAME src and dst class are identical\r\n"],
  ["slabs reassign 1 250", "BADCLASS invalid src or dst class id\r\n"],
  ["slabs automove", "ERROR\r\n"],
  ["slabs automove 1", "OK\r\n"],
  ["slabs automove 5", "ERROR\r\n"],
  ["slabs automove x", BAD_FORMAT],
  ["slabs automove ratio 0.8", "OK\r\n"],
  ["slabs automove ratio 0.5 foo", "OK\r\n"],
  ["slabs automove ratio 0.5 foo bar", "OK\r\n"],
  ["slabs automove ratio", "ERROR\r\n"],
  ["slabs automove ratio x", "ERROR\r\n"],
  ["slabs automove ratio 0.5x", "ERROR\r\n"],
  ["slabs automove window 10", "OK\r\n", [BAD_FORMAT, "window is not known"]],
  [
    "slabs automove window 2",
    "CLIENT_ERROR automove window too low or too high\r\n",
    [BAD_FORMAT, "window is not known"],
  ],
  ["slabs automove freeratio 0.1", "OK\r\n", [BAD_FORMAT, "freeratio is not known"]],
  ["lru", "ERROR\r\n"],
  ["lru foo", "ERROR\r\n"],
  ["lru tune", "ERROR\r\n"],
  ["lru tune 10 25 0.1 2.0", "OK\r\n"],
  ["lru tune 50 50 0.1 2.0", "ERROR hot and warm pcts must not exceed 80\r\n"],
  ["lru tune 10 25 0 2.0", "ERROR hot/warm age factors must be greater than 0\r\n"],
  ["lru tune 10 25 0.1 2.0 foo", "OK\r\n"],
  ["lru tune 10 25 0.1x 2.0", "ERROR\r\n"],
  ["lru tune x", "ERROR\r\n"],
  ["lru mode", "ERROR\r\n"],
  ["lru mode flat", "OK\r\n"],
  ["lru mode segmented", "OK\r\n"],
  ["lru mode foo", "ERROR\r\n"],
  ["lru temp_ttl", "ERROR\r\n"],
  ["lru temp_ttl 60", "OK\r\n"],
  ["lru temp_ttl -1", "OK\r\n"],
  ["lru temp_ttl x", "ERROR\r\n"],
  ["lru_crawler", "ERROR\r\n"],
  ["lru_crawler foo", "ERROR\r\n"],
  ["lru_crawler sleep", "ERROR\r\n"],
  ["lru_crawler sleep 100", "OK\r\n"],
  ["lru_crawler sleep 100 1", "ERROR\r\n"],
  ["lru_crawler sleep 1000001", "CLIENT_ERROR sleep must be one second or less\r\n"],
  ["lru_crawler sleep x", BAD_FORMAT],
  ["lru_crawler tocrawl", "ERROR\r\n"],
  ["lru_crawler tocrawl 0", "OK\r\n"],
  ["lru_crawler tocrawl 0 1", "ERROR\r\n"],
  ["lru_crawler tocrawl x", BAD_FORMAT],
  ["lru_crawler crawl all", "OK\r\n"],
  ["lru_crawler crawl 1,", "OK\r\n"],
  ["lru_crawler crawl 1,,2,", "OK\r\n"],
  ["lru_crawler crawl ,", "NOTSTARTED no items to crawl\r\n"],
  ["lru_crawler crawl 250", "BADCLASS invalid class id\r\n"],
  ["lru_crawler crawl all,", "BADCLASS invalid class id\r\n"],
  ["lru_crawler crawl", "ERROR\r\n"],
  ["lru_crawler crawl all foo", "ERROR\r\n"],
  ["lru_crawler metadump 250", "BADCLASS invalid class id\r\n"],
  ["lru_crawler metadump all foo", "ERROR\r\n"],
  ["lru_crawler mgdump all foo", "ERROR\r\n"],
  ["lru_crawler enable", "ERROR failed to start lru crawler thread\r\n"],
  ["lru_crawler enable foo", "ERROR\r\n"],
  ["lru_crawler disable foo", "ERROR\r\n"],
  ["stats bogus", "ERROR\r\n"],
  ["stats noreply", "ERROR\r\n"],
  ["stats reset", "RESET\r\n"],
  ["stats detail", "CLIENT_ERROR usage: stats detail on|off|dump\r\n"],
  ["stats detail foo", "CLIENT_ERROR usage: stats detail on|off|dump\r\n"],
  ["stats sizes", "STAT sizes_status disabled\r\nEND\r\n"],
  ["stats items", "END\r\n"],
  ["stats cachedump", "CLIENT_ERROR bad command line\r\n"],
  ["stats cachedump x y", BAD_FORMAT],
  ["stats cachedump 99 0", "CLIENT_ERROR Illegal slab id\r\n"],
  [
    "shutdown",
    "SERVER_ERROR: shutdown not enabled\r\n",
    ["ERROR: shutdown not enabled\r\n", "the older wording"],
  ],
  ["misbehave", "ERROR\r\n"],
  ["watch bogus", "ERROR\r\n"],
  ["config get cluster", "ERROR\r\n"],
];

for (const [line, reply, older] of LINES) {
  transcript(`${line}`, [
    older === undefined
      ? [`${line}\r\n`, reply]
      : [`${line}\r\n`, reply, oracle18(older[0], older[1])],
  ]);
}

transcript("noreply silences them", [
  ["cache_memlimit 64 noreply\r\n", ""],
  ["verbosity 0 noreply\r\n", ""],
]);

transcript("stats detail counts by prefix", [
  ["stats detail on\r\n", "OK\r\n"],
  ["stats reset\r\n", "RESET\r\n"],
  ["set user:1 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get user:1\r\n", "VALUE user:1 0 1\r\nA\r\nEND\r\n"],
  ["get user:2\r\n", "END\r\n"],
  ["delete user:1\r\n", "DELETED\r\n"],
  ["set plain 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["stats detail dump\r\n", "PREFIX user get 2 hit 1 set 1 del 1\r\nEND\r\n"],
  ["stats detail off\r\n", "OK\r\n"],
]);

transcript("metadump describes every live item", [
  ["set a%b 5 0 3\r\nred\r\n", "STORED\r\n"],
  [
    "lru_crawler metadump all\r\n",
    "OK\r\nkey=a%25b exp=-1 la={*la} cas={c} fetch=no cls={*k} size=69 flags=5 \nEND\r\n",
    oracle18(
      "key=a%25b exp=-1 la={*la} cas={c} fetch=no cls={*k} size=69\nEND\r\n",
      "no OK, no client flags, no space at the end",
    ),
  ],
]);

transcript(
  "mgdump lists every live key, binary ones in base64",
  [
    ["ms Zm9v 3 b\r\nred\r\n", "HD\r\n"],
    ["lru_crawler mgdump all\r\n", "OK\r\nmg Zm9v b\r\nEN\r\n"],
    ["version\r\n", "VERSION {version}\r\n"],
  ],
  { notOnOracle: "mgdump is not known" },
);

transcript("an empty cache dumps nothing", [
  ["lru_crawler metadump all\r\n", "OK\r\nEND\r\n", oracle18("END\r\n", "no OK")],
]);

transcript(
  "a dump must come first in its pipeline",
  [
    [
      "version\r\nlru_crawler metadump all\r\n",
      "VERSION {version}\r\nERROR cannot pipeline other commands before metadump\r\n",
    ],
  ],
  // Cut smaller, the first reply may have left before the dump is asked for.
  { fragments: [65_536] },
);

// The servers of the transcripts that do not lend run with `-o debug`, so it is asked of others.
describe("debugtime is no command without -o debug", () => {
  for (const cell of fleet({ size: "small", oracle: true }).filter(
    ({ spec }) => spec.lending !== false,
  )) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("debugtime p\r\n", "ERROR\r\n");
      await client.ask("debugtime 10\r\n", "ERROR\r\n");
      client.destroy();
    });
  }
});

/** watch: log lines of each stream in memcached's formats. */
import { describe, expect, test } from "vitest";
import { type Cell, fleet } from "../support/server-matrix.ts";
import { WireClient } from "../support/wire-client.ts";

const cells = fleet({ size: "small" });

const TOO_LARGE = 1_100_000;
const HEAD = String.raw`^ts=\d+\.\d+ gid=\d+ type=`;

/**
 * What happens on another connection, and the lines a watcher of the stream must see, in some
 * order.
 */
const STREAMS: readonly {
  readonly stream: string;
  readonly commands: string;
  readonly reply: string;
  readonly lines: readonly string[];
  readonly oracle: boolean;
}[] = [
  {
    stream: "fetchers",
    commands: "set a%b 0 0 3\r\nred\r\nget a%b absent\r\n",
    reply: "STORED\r\nVALUE a%b 0 3\r\nred\r\nEND\r\n",
    lines: [
      String.raw`item_get key=a%25b status=found clsid=\d+ cfd=\d+ size=3$`,
      String.raw`item_get key=absent status=not_found clsid=\d+ cfd=\d+ size=0$`,
    ],
    oracle: true,
  },
  {
    stream: "mutations",
    // Several keys, so that some are another thread's: the TTL is told there too.
    commands:
      ["m", "n", "o", "p", "q"].map((key) => `set ${key} 0 100 3\r\nred\r\n`).join("") +
      "add m 0 0 1\r\nx\r\nappend m 0 0 1\r\n!\r\n",
    reply: `${"STORED\r\n".repeat(5)}NOT_STORED\r\nSTORED\r\n`,
    lines: [
      ...["m", "n", "o", "p", "q"].map(
        (key) =>
          String.raw`item_store key=${key} status=stored cmd=set ttl=(100|9\d) clsid=\d+ cfd=\d+ size=3$`,
      ),
      String.raw`item_store key=m status=not_stored cmd=add ttl=0 clsid=\d+ cfd=\d+ size=\d+$`,
      String.raw`item_store key=m status=stored cmd=append ttl=\d+ clsid=\d+ cfd=\d+ size=\d+$`,
    ],
    oracle: true,
  },
  {
    stream: "mutations",
    // What is larger than any item is refused before a shard sees it; memcached 1.6.18 mixes up the fields.
    commands: ["set k 0 100", "add k 0 0", "cas k 0 0", "ms k"]
      .map((head) => `${head} ${TOO_LARGE}${head.startsWith("cas") ? " 5" : ""}\r\n`)
      .map((line) => `${line}${"x".repeat(TOO_LARGE)}\r\n`)
      .join(""),
    reply: "SERVER_ERROR object too large for cache\r\n".repeat(4),
    lines: ["set", "add", "cas", "set"].map(
      (command) =>
        String.raw`item_store key=k status=too_large cmd=${command} ttl=0 clsid=0 cfd=\d+ size=0$`,
    ),
    oracle: false,
  },
  {
    stream: "mutations",
    // A silent set of another thread's shard is told with its own length, not the last one's.
    commands: `${[1, 2, 3, 4, 5].map((n) => `set silent${n} 0 0 ${n} noreply\r\n${"x".repeat(n)}\r\n`).join("")}mn\r\n`,
    reply: "MN\r\n",
    lines: [1, 2, 3, 4, 5].map(
      (n) =>
        String.raw`item_store key=silent${n} status=stored cmd=set ttl=0 clsid=[12] cfd=\d+ size=${n}$`,
    ),
    oracle: false,
  },
  {
    stream: "deletions",
    commands: "set d 0 0 3\r\nred\r\ndelete d\r\ndelete d\r\nms e 1\r\nx\r\nmd e\r\n",
    reply: "STORED\r\nDELETED\r\nNOT_FOUND\r\nHD\r\nHD\r\n",
    lines: [
      String.raw`deleted key=d cmd=delete clsid=\d+ size=\d+$`,
      String.raw`deleted key=e cmd=md clsid=\d+ size=\d+$`,
    ],
    oracle: false,
  },
];

for (const { stream, commands, reply, lines, oracle } of STREAMS) {
  const able = cells.filter((each) => oracle || each.spec.implementation !== "memcached");
  if (able.length === 0) continue;
  describe(`watch ${stream}`, () => {
    for (const cell of able) {
      test(cell.label, async () => {
        const [watcher, client] = await both(cell);
        await watcher.ask(`watch ${stream}\r\n`, "OK\r\n");
        await client.ask(commands, reply);
        await watcherSees(watcher, lines);
        watcher.destroy();
        client.destroy();
      });
    }
  });
}

describe("watch connevents: connections that come and go", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const [watcher, client] = await both(cell);
      await watcher.ask("watch connevents\r\n", "OK\r\n");
      const visitor = await WireClient.connect(cell.server);
      const { localPort } = visitor.socket;
      await visitor.send("quit\r\n");
      await visitor.expectClose();
      await watcherSees(watcher, [
        String.raw`conn_new rip=127\.0\.0\.1 rport=${localPort} transport=tcp cfd=\d+$`,
        String.raw`conn_close rip=127\.0\.0\.1 rport=${localPort} transport=tcp reason=normal cfd=\d+$`,
      ]);
      watcher.destroy();
      client.destroy();
    });
  }
});

describe("watch connevents: why a connection was closed", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const [watcher, client] = await both(cell);
      await watcher.ask("watch connevents\r\n", "OK\r\n");
      const ends = [
        ["normal", "version\r\n"],
        ["error", "GET / HTTP/1.1\r\n\r\n"],
        ["error", "x".repeat(3000)],
      ] as const;
      for (const [reason, bytes] of ends) {
        const visitor = await WireClient.connect(cell.server);
        const { localPort } = visitor.socket;
        await visitor.send(bytes);
        if (reason === "normal") visitor.end();
        await watcherSees(watcher, [
          String.raw`conn_close rip=127\.0\.0\.1 rport=${localPort} transport=tcp reason=${reason} cfd=\d+$`,
        ]);
        visitor.destroy();
      }
      watcher.destroy();
      client.destroy();
    });
  }
});

describe("stats counts who watches", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const [watcher, client] = await both(cell);
      await watcher.ask("watch evictions\r\n", "OK\r\n");
      await client.send("stats\r\n");
      expect(await client.readThrough("END\r\n")).toMatch(/^STAT log_watchers [1-9]\d*\r$/m);
      watcher.destroy();
      client.destroy();
    });
  }
});

describe("watch must come first in its pipeline", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const [watcher, client] = await both(cell);
      await watcher.ask(
        "version\r\nwatch\r\n",
        `VERSION ${cell.server.version}\r\nERROR cannot pipeline other commands before watch\r\n`,
      );
      watcher.destroy();
      client.destroy();
    });
  }
});

describe("a watcher that does not read costs others nothing", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const { server } = cell;
      const [watcher, client] = await both(cell);
      await watcher.ask("watch mutations fetchers\r\n", "OK\r\n");
      const before = server.residentBytes();
      watcher.pause();
      for (let batch = 0; batch < 100; batch++) {
        await client.ask("set w 0 0 1\r\nx\r\n".repeat(1000), "STORED\r\n".repeat(1000));
      }
      expect(server.residentBytes() - before).toBeLessThan(64 * 1024 * 1024);
      watcher.destroy();
      client.destroy();
    });
  }
});

async function both(cell: Cell): Promise<[WireClient, WireClient]> {
  return [await WireClient.connect(cell.server), await WireClient.connect(cell.server)];
}

/** Reads until every line was seen, in any order, others between. */
async function watcherSees(watcher: WireClient, lines: readonly string[]): Promise<void> {
  const patterns = lines.map((line) => new RegExp(HEAD + line, "m"));
  const bytes = await watcher.collect(
    (got) => patterns.every((each) => each.test(got.toString("latin1"))),
    8000,
  );
  const text = bytes.toString("latin1");
  for (const each of patterns) expect(text).toMatch(each);
}

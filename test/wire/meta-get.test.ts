/** mg: every flag, the order of return flags, vivify, recache, stale items and who wins. */
import { describe, expect, test } from "vitest";
import { type Cell, fleet } from "../support/server-matrix.ts";
import { oracle18, transcriptsOn } from "../support/transcript.ts";
import { WireClient } from "../support/wire-client.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const INVALID_FLAG = "CLIENT_ERROR invalid flag\r\n";
const BAD_TOKEN = "CLIENT_ERROR bad token in command line format\r\n";

transcript("mg of an absent key", [
  ["mg a\r\n", "EN\r\n"],
  ["mg a v\r\n", "EN\r\n"],
  ["mg a t f s c l h v\r\n", "EN\r\n"],
]);

transcript("a miss returns k and O, in request order, and nothing else", [
  ["mg a k O123 t\r\n", "EN ka O123\r\n"],
  ["mg a Oopaque s k\r\n", "EN Oopaque ka\r\n"],
]);

transcript("mg without flags says only that the item is there", [
  ["set a 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg a\r\n", "HD\r\n"],
]);

transcript("v sends the value", [
  ["set a 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg a v\r\n", "VA 3\r\nred\r\n"],
  ["set empty 0 0 0\r\n\r\n", "STORED\r\n"],
  ["mg empty v\r\n", "VA 0\r\n\r\n"],
  ["mg empty s\r\n", "HD s0\r\n"],
]);

transcript("f, s, t, c, k: client flags, size, TTL, CAS, key", [
  ["set apple 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["gets apple\r\n", "VALUE apple 5 3 {cas}\r\nred\r\nEND\r\n"],
  ["mg apple f\r\n", "HD f5\r\n"],
  ["mg apple s\r\n", "HD s3\r\n"],
  ["mg apple t\r\n", "HD t-1\r\n"],
  ["mg apple c\r\n", "HD c{cas}\r\n"],
  ["mg apple k\r\n", "HD kapple\r\n"],
  ["mg apple s v f t c k\r\n", "VA 3 s3 f5 t-1 c{cas} kapple\r\nred\r\n"],
  ["mg apple k c t f v s\r\n", "VA 3 kapple c{cas} t-1 f5 s3\r\nred\r\n"],
]);

transcript("client flags of 0 and of 2^32-1", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a f\r\n", "HD f0\r\n"],
  ["set a 4294967295 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a f\r\n", "HD f4294967295\r\n"],
]);

transcript("h and l speak of the time before this request", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a h l\r\n", "HD h0 l{n}\r\n"],
  ["mg a h\r\n", "HD h1\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\nA\r\nEND\r\n"],
  ["mg a h v\r\n", "VA 1 h1\r\nA\r\n"],
]);

const timed = fleet({ ownArgs: ["-o", "debug"], size: "small", oracle: false });

describe("l, which the oracle cannot be asked without waiting: who asks for it is an access, on any thread", () => {
  for (const cell of timed) {
    test(cell.label, async () => {
      const setter = await WireClient.connect(cell.server);
      await setter.ask("set a 0 0 1\r\nA\r\n", "STORED\r\n");
      await setter.ask("debugtime 1000\r\n", "OK\r\n");
      setter.destroy();
      while ((await idleSeconds(cell, "u l")) < 1000); // until every thread has seen the clock move
      expect(await idleSeconds(cell, "l")).toBeGreaterThanOrEqual(1000);
      for (let again = 0; again < cell.spec.threads; again++) {
        expect(await idleSeconds(cell, "l")).toBeLessThan(100);
      }
    });
  }
});

/**
 * What mg with these flags says of a's last access, on a connection of its own: each has the next
 * thread.
 */
async function idleSeconds(cell: Cell, flags: string): Promise<number> {
  const client = await WireClient.connect(cell.server);
  const seen = new Map<string, string>();
  await client.ask(`mg a ${flags}\r\n`, "HD l{n}\r\n", seen);
  client.destroy();
  return Number(seen.get("n"));
}

transcript("h of a value too large to be copied speaks of the time before, too", [
  ...[0, 1, 2, 3].map(
    (at) => [`set big-${at} 0 0 300000\r\n${"x".repeat(300_000)}\r\n`, "STORED\r\n"] as const,
  ),
  ["mg big-0 h v\r\n", `VA 300000 h0\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-0 h v\r\n", `VA 300000 h1\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-1 h v T100\r\n", `VA 300000 h0\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-1 h v T100\r\n", `VA 300000 h1\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-2 h v N10\r\n", `VA 300000 h0\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-2 h v u\r\n", `VA 300000 h1\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-3 h v u\r\n", `VA 300000 h0\r\n${"x".repeat(300_000)}\r\n`],
  ["mg big-3 h v\r\n", `VA 300000 h0\r\n${"x".repeat(300_000)}\r\n`],
]);

transcript("u does not count as an access", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a h u\r\n", "HD h0\r\n"],
  ["mg a u h v\r\n", "VA 1 h0\r\nA\r\n"],
  ["mg a h\r\n", "HD h0\r\n"],
  ["mg a h u\r\n", "HD h1\r\n"],
]);

transcript("O comes back unchanged", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a O\r\n", "HD O\r\n"],
  ["mg a O0\r\n", "HD O0\r\n"],
  [`mg a O${"x".repeat(31)}\r\n`, `HD O${"x".repeat(31)}\r\n`],
  [`mg a O${"x".repeat(32)}\r\n`, "CLIENT_ERROR opaque token too long\r\n"],
  ["mg a O\xff\x01\r\n", "HD O\xff\x01\r\n"],
  ["mg a s O1 v\r\n", "VA 1 s1 O1\r\nA\r\n"],
]);

transcript("q hides the miss, not the hit", [
  ["mg a q\r\nmn\r\n", "MN\r\n"],
  ["mg a q v k O1\r\nmn\r\n", "MN\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a q v\r\nmn\r\n", "VA 1\r\nA\r\nMN\r\n"],
  ["mg a q\r\nmn\r\n", "HD\r\nMN\r\n"],
  ["mg a v q k\r\nmg b v q k\r\nmg a q k\r\nmn\r\n", "VA 1 ka\r\nA\r\nHD ka\r\nMN\r\n"],
]);

transcript("q does not hide errors", [
  ["mg a q !\r\n", BAD_FORMAT, oracle18(INVALID_FLAG, "an illegal flag byte is an invalid flag")],
  ["mg a q S\r\n", INVALID_FLAG],
  [`mg ${"k".repeat(251)} q\r\n`, BAD_FORMAT],
]);

transcript("b: the key is base64, the item the same", [
  ["set foo 7 0 3\r\nbar\r\n", "STORED\r\n"],
  ["mg Zm9v b v\r\n", "VA 3\r\nbar\r\n"],
  ["mg Zm9v b k v\r\n", "VA 3 kfoo\r\nbar\r\n"],
  ["ms Zm9v 3 b\r\nnew\r\n", "HD\r\n"],
  ["mg foo v\r\n", "VA 3\r\nnew\r\n"],
  ["mg foo k\r\n", "HD kZm9v b\r\n"],
  ["mg Zm9v b k f\r\n", "HD kZm9v b f0\r\n"],
  ["get foo\r\n", "VALUE foo 0 3\r\nnew\r\nEND\r\n"],
]);

transcript("b: a miss shows the key as it was asked for", [["mg Zm9v b k\r\n", "EN kZm9v b\r\n"]]);

transcript("b: keys of any bytes", [
  ["ms IAEKDQ== 3 b\r\nbin\r\n", "HD\r\n"],
  ["mg IAEKDQ== b k v\r\n", "VA 3 kIAEKDQ== b\r\nbin\r\n"],
  ["md IAEKDQ== b\r\n", "HD\r\n"],
  ["mg IAEKDQ== b\r\n", "EN\r\n"],
]);

transcript("b: what is not base64 is an error", [
  ["mg Zm9 b\r\n", "CLIENT_ERROR error decoding key\r\n"],
  ["mg = b\r\n", "CLIENT_ERROR error decoding key\r\n"],
  ["mg !!!! b\r\n", "CLIENT_ERROR error decoding key\r\n"],
]);

transcript("C: an equal CAS saves the value", [
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg a c\r\n", "HD c{cas}\r\n"],
  ["mg a v C{cas}\r\n", "HD\r\n", oracle18("VA 3\r\nred\r\n", "C means nothing to mg")],
  ["mg a v C1\r\n", "VA 3\r\nred\r\n"],
]);

transcript("T sets the TTL, and flags act from left to right", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a t T0 \r\n", "HD t-1\r\n"],
  ["mg a T100 v\r\n", "VA 1\r\nA\r\n"],
  ["mg a t T0\r\n", /* 99 or 100 by the server's clock */ "HD t{n}\r\n"],
  ["mg a T0 t\r\n", "HD t-1\r\n"],
  ["mg a T-1\r\n", "HD\r\n"],
  ["mg a\r\n", "EN\r\n"],
]);

transcript("N creates an empty item on a miss, and the creator wins", [
  ["mg a N30 v\r\n", "VA 0 W\r\n\r\n"],
  ["mg a v\r\n", "VA 0 Z\r\n\r\n"],
  ["mg a N30 v s f\r\n", "VA 0 s0 f0 Z\r\n\r\n"],
  ["get a\r\n", "VALUE a 0 0\r\n\r\nEND\r\n"],
  ["ms a 3 T0\r\nred\r\n", "HD\r\n"],
  ["mg a N30 v\r\n", "VA 3\r\nred\r\n"],
]);

transcript("N of an item that is there does nothing", [
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg a N30 t v\r\n", "VA 3 t-1\r\nred\r\n"],
]);

transcript("N with k, O, c, t: the new item's", [
  ["mg a N0 k Oxy t s c\r\n", "HD ka Oxy t-1 s0 c{cas} W\r\n"],
  ["mg a c\r\n", "HD c{cas} Z\r\n"],
]);

transcript("N with E gives the new item its CAS", [
  ["mg a N0 E1234 c\r\n", "HD c1234 W\r\n", oracle18(INVALID_FLAG, "explicit CAS is not known")],
]);

transcript("N with q answers, for it is a hit", [["mg a N30 q k\r\nmn\r\n", "HD ka W\r\nMN\r\n"]]);

transcript("R: the first to see the TTL run low wins", [
  ["set a 0 100 3\r\nred\r\n", "STORED\r\n"],
  ["mg a R30 v\r\n", "VA 3\r\nred\r\n"],
  ["mg a R300 v\r\n", "VA 3 W\r\nred\r\n"],
  ["mg a R300 v\r\n", "VA 3 Z\r\nred\r\n"],
  ["mg a v\r\n", "VA 3 Z\r\nred\r\n"],
  ["set a 0 100 4\r\nblue\r\n", "STORED\r\n"],
  ["mg a R300 v\r\n", "VA 4 W\r\nblue\r\n"],
]);

transcript("R takes what any exptime takes: in the past it never wins, as a date it may", [
  ...["a", "b", "c", "d"].map((key) => [`ms ${key} 3 T200\r\nred\r\n`, "HD\r\n"] as const),
  ...["a", "b", "c", "d"].map((key) => [`mg ${key} R-1\r\n`, "HD\r\n"] as const),
  ["mg a R2592001\r\n", "HD\r\n"],
  ["mg b R1000000000\r\n", "HD\r\n"],
  ["mg c R0\r\n", "HD\r\n"],
  ["mg d R2147483647\r\n", "HD W\r\n"],
]);

transcript("R never wins on an item that does not expire", [
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg a R1000000 v\r\n", "VA 3\r\nred\r\n"],
]);

transcript("a stale item: the first wins, the others are told", [
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg a c\r\n", "HD c{cas}\r\n"],
  ["md a I T30\r\n", "HD\r\n"],
  ["mg a s v\r\n", "VA 3 s3 X W\r\nred\r\n"],
  ["mg a v\r\n", "VA 3 Z X\r\nred\r\n"],
  ["get a\r\n", "VALUE a 0 3\r\nred\r\nEND\r\n"],
  ["set a 0 0 3\r\nnew\r\n", "STORED\r\n"],
  ["mg a v\r\n", "VA 3\r\nnew\r\n"],
]);

transcript("h of who wins a stale item is that of before", [
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["md a I\r\n", "HD\r\n"],
  ["mg a h\r\n", "HD h0 X W\r\n"],
  ["mg a h\r\n", "HD h1 Z X\r\n"],
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["md a I\r\n", "HD\r\n"],
  ["get a\r\n", "VALUE a 0 3\r\nred\r\nEND\r\n"],
  ["mg a h\r\n", "HD h1 X W\r\n"],
]);

transcript("gat reads a stale item and wins nothing, which it could not say", [
  ["set a 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["md a I\r\n", "HD\r\n"],
  ["gat 0 a\r\n", "VALUE a 0 3\r\nred\r\nEND\r\n"],
  ["gats 0 a\r\n", "VALUE a 0 3 {cas}\r\nred\r\nEND\r\n"],
  ["touch a 0\r\n", "TOUCHED\r\n"],
  ["mg a\r\n", "HD X W\r\n"],
  ["mg a\r\n", "HD Z X\r\n"],
]);

transcript("return marks come last", [
  ["mg a N0 t\r\n", "HD t-1 W\r\n"],
  ["mg a t k\r\n", "HD t-1 ka Z\r\n"],
]);

transcript("keys", [
  [`mg ${"k".repeat(250)}\r\n`, "EN\r\n"],
  [`mg ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  ["mg\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["mg \r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
]);

transcript("flags that mean nothing to mg are accepted, P and L with any token", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a I s\r\n", "HD s1\r\n"],
  ["mg a MS s\r\n", "HD s1\r\n"],
  ["mg a D5 J5 s\r\n", "HD s1\r\n"],
  ["mg a F7 f\r\n", "HD f0\r\n"],
  ["mg a Panything Lmore s\r\n", "HD s1\r\n"],
  ["mg a x s\r\n", "HD s1\r\n", oracle18(INVALID_FLAG, "x is not known")],
]);

transcript("unknown flags", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ...["S", "W", "X", "Z", "a", "y", "A", "z", "_", "g"].map(
    (flag) => [`mg a ${flag}\r\n`, INVALID_FLAG] as const,
  ),
]);

transcript("a flag twice", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a s s\r\n", "CLIENT_ERROR duplicate flag\r\n"],
  ["mg a v k v\r\n", "CLIENT_ERROR duplicate flag\r\n"],
  ["mg b T1 T1\r\n", "CLIENT_ERROR duplicate flag\r\n"],
]);

transcript("a flag begins with a digit or a byte from A to z", [
  ["mg a !\r\n", BAD_FORMAT, oracle18(INVALID_FLAG, "an illegal flag byte is an invalid flag")],
  ["mg a -\r\n", BAD_FORMAT, oracle18(INVALID_FLAG, "an illegal flag byte is an invalid flag")],
  ["mg a 0\r\n", INVALID_FLAG],
  ["mg a \x01\r\n", BAD_FORMAT, oracle18(INVALID_FLAG, "an illegal flag byte is an invalid flag")],
  ["mg a \xff\r\n", BAD_FORMAT, oracle18("CLIENT_ERROR duplicate flag\r\n", "read as signed")],
]);

for (const flag of ["T", "Tx", "T1x", "N", "Nx", "R", "Rx"]) {
  transcript(`the token of ${flag} is wrong`, [
    ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
    [`mg a ${flag}\r\n`, BAD_TOKEN],
    [`mg b ${flag}\r\n`, BAD_TOKEN],
  ]);
}

transcript("tokens of flags that mean nothing to mg are checked too", [
  ["mg a D\r\n", "CLIENT_ERROR invalid numeric delta value\r\n"],
  ["mg a Dx\r\n", "CLIENT_ERROR invalid numeric delta value\r\n"],
  ["mg a J\r\n", "CLIENT_ERROR invalid numeric initial value\r\n"],
  ["mg a Cx\r\n", BAD_TOKEN],
  ["mg a Fx\r\n", BAD_FORMAT],
]);

transcript("T is a signed 32-bit number", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a T2147483648\r\n", BAD_TOKEN, oracle18("HD\r\n", "kept modulo 2^32")],
]);

transcript("18 flags fit, 19 do not", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a c f h k l O q s t u v P L I D1 J1 F1\r\n", "VA 1 c{cas} f0 h0 ka l{*l} O s1 t-1\r\nA\r\n"],
  [
    "mg a c f h k l O q s t u v P L I D1 J1 F1 MS\r\n",
    "VA 1 c{cas} f0 h0 ka l{*l} O s1 t-1\r\nA\r\n",
    oracle18("CLIENT_ERROR options flags are too long\r\n", "one flag fewer fits"),
  ],
  [
    "mg a c f h k l O q s t u v P L I D1 J1 F1 MS T0\r\n",
    "CLIENT_ERROR options flags are too long\r\n",
  ],
]);

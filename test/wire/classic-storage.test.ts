/**
 * set, add, replace, append, prepend, cas: when they store, what they answer, how the data block is
 * read.
 */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const BAD_CHUNK = "CLIENT_ERROR bad data chunk\r\n";

transcript("set stores, and get gives flags, length and data back", [
  ["set apple 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["get apple\r\n", "VALUE apple 5 3\r\nred\r\nEND\r\n"],
]);

transcript("set replaces value, length and flags", [
  ["set apple 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["set apple 4294967295 0 6\r\nyellow\r\n", "STORED\r\n"],
  ["get apple\r\n", "VALUE apple 4294967295 6\r\nyellow\r\nEND\r\n"],
  ["set apple 0 0 1\r\nx\r\n", "STORED\r\n"],
  ["get apple\r\n", "VALUE apple 0 1\r\nx\r\nEND\r\n"],
]);

transcript("set takes an empty value", [
  ["set empty 7 0 0\r\n\r\n", "STORED\r\n"],
  ["get empty\r\n", "VALUE empty 7 0\r\n\r\nEND\r\n"],
]);

transcript("a value may hold line ends, NUL and every other byte", [
  ["set lines 0 0 12\r\nget a\r\nEND\r\n\r\n", "STORED\r\n"],
  ["get lines\r\n", "VALUE lines 0 12\r\nget a\r\nEND\r\n\r\nEND\r\n"],
  ["set nul 0 0 3\r\n\0\n\0\r\n", "STORED\r\n"],
  ["get nul\r\n", "VALUE nul 0 3\r\n\0\n\0\r\nEND\r\n"],
  [`set all 0 0 256\r\n${everyByte()}\r\n`, "STORED\r\n"],
  ["get all\r\n", `VALUE all 0 256\r\n${everyByte()}\r\nEND\r\n`],
]);

transcript("add refuses a key that is present", [
  ["add apple 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["add apple 0 0 5\r\ngreen\r\n", "NOT_STORED\r\n"],
  ["get apple\r\n", "VALUE apple 5 3\r\nred\r\nEND\r\n"],
]);

transcript("replace refuses a key that is absent", [
  ["replace apple 0 0 3\r\nred\r\n", "NOT_STORED\r\n"],
  ["get apple\r\n", "END\r\n"],
  ["set apple 1 0 3\r\nred\r\n", "STORED\r\n"],
  ["replace apple 2 0 5\r\ngreen\r\n", "STORED\r\n"],
  ["get apple\r\n", "VALUE apple 2 5\r\ngreen\r\nEND\r\n"],
]);

transcript("append and prepend join values and keep the flags", [
  ["append apple 0 0 3\r\nred\r\n", "NOT_STORED\r\n"],
  ["prepend apple 0 0 3\r\nred\r\n", "NOT_STORED\r\n"],
  ["set apple 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["append apple 9 0 5\r\n-tail\r\n", "STORED\r\n"],
  ["prepend apple 9 0 5\r\nhead-\r\n", "STORED\r\n"],
  ["get apple\r\n", "VALUE apple 5 13\r\nhead-red-tail\r\nEND\r\n"],
  ["append apple 0 0 0\r\n\r\n", "STORED\r\n"],
  ["get apple\r\n", "VALUE apple 5 13\r\nhead-red-tail\r\nEND\r\n"],
]);

transcript("append gives a new CAS", [
  ["set apple 5 0 3\r\nred\r\n", "STORED\r\n"],
  ["gets apple\r\n", "VALUE apple 5 3 {first}\r\nred\r\nEND\r\n"],
  ["append apple 0 0 1\r\n!\r\n", "STORED\r\n"],
  ["cas apple 0 0 1 {first}\r\nx\r\n", "EXISTS\r\n"],
  ["gets apple\r\n", "VALUE apple 5 4 {second}\r\nred!\r\nEND\r\n"],
  ["prepend apple 0 0 1\r\n!\r\n", "STORED\r\n"],
  ["cas apple 0 0 1 {second}\r\nx\r\n", "EXISTS\r\n"],
]);

transcript("cas stores when the unique matches, once", [
  ["cas apple 0 0 3 1\r\nred\r\n", "NOT_FOUND\r\n"],
  ["set apple 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["gets apple\r\n", "VALUE apple 0 3 {cas}\r\nred\r\nEND\r\n"],
  ["cas apple 3 0 5 {cas}\r\ngreen\r\n", "STORED\r\n"],
  ["cas apple 4 0 4 {cas}\r\nblue\r\n", "EXISTS\r\n"],
  ["gets apple\r\n", "VALUE apple 3 5 {new}\r\ngreen\r\nEND\r\n"],
]);

transcript("a cas unique of 0 never matches", [
  ["cas apple 0 0 3 0\r\nred\r\n", "NOT_FOUND\r\n"],
  ["set apple 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["cas apple 0 0 3 0\r\nred\r\n", "EXISTS\r\n"],
]);

transcript("the CAS of two items differs, and every store changes it", [
  ["set a 0 0 1\r\n1\r\n", "STORED\r\n"],
  ["set b 0 0 1\r\n2\r\n", "STORED\r\n"],
  ["gets a b\r\n", "VALUE a 0 1 {a}\r\n1\r\nVALUE b 0 1 {b}\r\n2\r\nEND\r\n"],
  ["set a 0 0 1\r\n1\r\n", "STORED\r\n"],
  ["cas a 0 0 1 {a}\r\n3\r\n", "EXISTS\r\n"],
  ["cas b 0 0 1 {b}\r\n3\r\n", "STORED\r\n"],
]);

transcript("a cas unique is a strict unsigned 64-bit number", [
  ["set a 0 0 1\r\n1\r\n", "STORED\r\n"],
  ["cas a 0 0 1 18446744073709551615\r\n1\r\n", "EXISTS\r\n"],
  ["cas a 0 0 1 +1\r\n1\r\n", BAD_FORMAT, oracle18("EXISTS\r\n", "a plus sign is accepted")],
  ...["18446744073709551616", "-1", "x", "1x", "0x1", "1.0"].map(
    (unique) =>
      [
        `cas a 0 0 1 ${unique}\r\n1\r\n`,
        BAD_FORMAT,
        oracle18(`${BAD_FORMAT}ERROR\r\n`, "the block of a wrong line is read as a command"),
      ] as const,
  ),
  [
    "cas a 0 0 1\r\n1\r\n",
    BAD_FORMAT,
    oracle18("ERROR\r\nERROR\r\n", "a missing unique is a wrong token count"),
  ],
]);

transcript("noreply stores in silence", [
  ["set a 1 0 1 noreply\r\n1\r\n", ""],
  ["add b 2 0 1 noreply\r\n2\r\n", ""],
  ["add b 3 0 1 noreply\r\n3\r\n", ""],
  ["replace b 4 0 1 noreply\r\n4\r\n", ""],
  ["replace c 5 0 1 noreply\r\n5\r\n", ""],
  ["append a 0 0 1 noreply\r\n1\r\n", ""],
  ["prepend a 0 0 1 noreply\r\n0\r\n", ""],
  ["append c 0 0 1 noreply\r\n1\r\n", ""],
  ["gets a b c\r\n", "VALUE a 1 3 {a}\r\n011\r\nVALUE b 4 1 {b}\r\n4\r\nEND\r\n"],
  ["cas a 6 0 1 {a} noreply\r\n6\r\n", ""],
  ["cas a 7 0 1 {a} noreply\r\n7\r\n", ""],
  ["cas c 7 0 1 {a} noreply\r\n7\r\n", ""],
  ["get a c\r\n", "VALUE a 6 1\r\n6\r\nEND\r\n"],
]);

transcript("NOREPLY in capitals is not noreply", [
  ["set a 0 0 1 NOREPLY\r\n1\r\n", "STORED\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"],
]);

transcript("a data block without its line end is a bad chunk; reading goes on directly after it", [
  [
    "set foo 0 0 3\r\nbarbaz\r\n",
    `${BAD_CHUNK}${BAD_FORMAT}`,
    oracle18(`${BAD_CHUNK}ERROR\r\n`, "a line of 3 bytes is ERROR"),
  ],
  ["get foo\r\n", "END\r\n"],
  ["set foo 0 0 3\r\nbarbazbat\r\n", `${BAD_CHUNK}ERROR\r\n`],
  ["set foo 0 0 6\r\nbar\r\n", ""],
  ["xget foo\r\n", `${BAD_CHUNK}ERROR\r\n`],
  ["get foo\r\n", "END\r\n"],
]);

transcript("a bare line feed after the data is a bad chunk", [
  ["set foo 0 0 3\r\nbar\nversion\r\n", `${BAD_CHUNK}ERROR\r\n`],
  ["get foo\r\n", "END\r\n"],
]);

transcript("noreply hides a bad data chunk too", [
  ["set foo 0 0 3 noreply\r\nbarba", ""],
  ["get foo\r\n", "END\r\n"],
]);

transcript("a bad chunk leaves the old item alone", [
  ["set foo 0 0 3\r\nold\r\n", "STORED\r\n"],
  ["set foo 0 0 3\r\nnew12", BAD_CHUNK],
  ["append foo 0 0 3\r\nnew12", BAD_CHUNK],
  ["get foo\r\n", "VALUE foo 0 3\r\nold\r\nEND\r\n"],
]);

transcript("flags are unsigned decimal, kept modulo 2^32", [
  ["set a 4294967295 0 1\r\n1\r\n", "STORED\r\n"],
  ["set b 4294967296 0 1\r\n1\r\n", "STORED\r\n"],
  ["set c 4294967298 0 1\r\n1\r\n", "STORED\r\n"],
  ["set d +12 0 1\r\n1\r\n", "STORED\r\n"],
  ["set e 0012 0 1\r\n1\r\n", "STORED\r\n"],
  [
    "get a b c d e\r\n",
    "VALUE a 4294967295 1\r\n1\r\nVALUE b 0 1\r\n1\r\nVALUE c 2 1\r\n1\r\n" +
      "VALUE d 12 1\r\n1\r\nVALUE e 12 1\r\n1\r\nEND\r\n",
  ],
]);

for (const [what, line] of [
  ["negative flags", "set a -1 0 1"],
  ["flags that are no number", "set a red 0 1"],
  ["flags with a trailing letter", "set a 1x 0 1"],
  ["an exptime that is no number", "set a 0 soon 1"],
  ["an exptime with a fraction", "set a 0 1.5 1"],
  ["an exptime beyond 64 bits", "set a 0 99999999999999999999 1"],
  ["bad flags in add", "add a x 0 1"],
  ["bad flags in replace", "replace a x 0 1"],
  ["bad flags in append", "append a x 0 1"],
  ["bad exptime in prepend", "prepend a 0 x 1"],
  ["bad exptime in cas", "cas a 0 x 1 1"],
  ["a key of 251 bytes", `set ${"k".repeat(251)} 0 0 1`],
] as const) {
  transcript(`${what}: one error, the data block is consumed`, [
    [
      `${line}\r\n1\r\nversion\r\n`,
      `${BAD_FORMAT}VERSION {version}\r\n`,
      oracle18(`${BAD_FORMAT}ERROR\r\nVERSION {version}\r\n`, "the block is read as a command"),
    ],
  ]);
}

transcript("with noreply a wrong storage line with a good byte count is silent", [
  [
    "set a x 0 1 noreply\r\n1\r\nversion\r\n",
    "VERSION {version}\r\n",
    oracle18("ERROR\r\nVERSION {version}\r\n", "the block is read as a command"),
  ],
]);

transcript("a byte count beyond 32 bits is refused", [
  [
    "set a 0 0 4294967296\r\nversion\r\n",
    `${BAD_FORMAT}VERSION {version}\r\n`,
    oracle18(`${BAD_CHUNK}ERROR\r\n`, "the count is kept modulo 2^32"),
  ],
]);

for (const bytes of ["-1", "x", "3x", "2147483646", "99999999999999999999", "1.0"]) {
  transcript(`a byte count of "${bytes}" is refused, and no data is consumed`, [
    [`set a 0 0 ${bytes}\r\nversion\r\n`, `${BAD_FORMAT}VERSION {version}\r\n`],
    [`cas a 0 0 ${bytes} 1\r\nversion\r\n`, `${BAD_FORMAT}VERSION {version}\r\n`],
  ]);
}

transcript("a byte count may have leading zeros, and no sign", [
  ["set a 0 0 003\r\nabc\r\n", "STORED\r\n"],
  [
    "set b 0 0 +3\r\nversion\r\n",
    `${BAD_FORMAT}VERSION {version}\r\n`,
    oracle18(`${BAD_CHUNK}ERROR\r\n`, "a plus sign is accepted"),
  ],
  ["get a\r\n", "VALUE a 0 3\r\nabc\r\nEND\r\n"],
]);

transcript("too few tokens: no data is consumed", [
  ...[
    "set",
    "set a",
    "set a 0",
    "set a 0 0",
    "add a 0 0",
    "replace a 0",
    "append a",
    "prepend",
  ].map(
    (line) =>
      [
        `${line}\r\nversion\r\n`,
        `${BAD_FORMAT}VERSION {version}\r\n`,
        oracle18("ERROR\r\nVERSION {version}\r\n", "a wrong token count is ERROR"),
      ] as const,
  ),
  [
    "cas a 0 0\r\nversion\r\n",
    `${BAD_FORMAT}VERSION {version}\r\n`,
    oracle18("ERROR\r\nVERSION {version}\r\n", "a wrong token count is ERROR"),
  ],
]);

transcript("a sixth token that is not noreply is ignored", [
  ["set a 0 0 1 please\r\n1\r\n", "STORED\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"],
]);

transcript("a negative exptime stores an item that is already expired", [
  ["set a 0 -1 1\r\n1\r\n", "STORED\r\n"],
  ["get a\r\n", "END\r\n"],
  ["add a 0 0 1\r\n2\r\n", "STORED\r\n"],
  ["replace a 0 -1 1\r\n3\r\n", "STORED\r\n"],
  ["replace a 0 0 1\r\n4\r\n", "NOT_STORED\r\n"],
  ["append a 0 0 1\r\n4\r\n", "NOT_STORED\r\n"],
  ["prepend a 0 0 1\r\n4\r\n", "NOT_STORED\r\n"],
  ["cas a 0 0 1 1\r\n4\r\n", "NOT_FOUND\r\n"],
  ["incr a 1\r\n", "NOT_FOUND\r\n"],
  ["touch a 0\r\n", "NOT_FOUND\r\n"],
  ["delete a\r\n", "NOT_FOUND\r\n"],
]);

transcript("exptimes are kept modulo 2^32, as signed numbers", [
  ["set a 0 2147483648 1\r\n1\r\n", "STORED\r\n"],
  ["set b 0 4294967295 1\r\n1\r\n", "STORED\r\n"],
  ["set c 0 4294967296 1\r\n1\r\n", "STORED\r\n"],
  ["get a b c\r\n", "VALUE c 0 1\r\n1\r\nEND\r\n"],
]);

transcript("an exptime over 30 days is a date", [
  ["set a 0 2592000 1\r\n1\r\n", "STORED\r\n"],
  ["set b 0 2592001 1\r\n1\r\n", "STORED\r\n"],
  ["set c 0 1000000000 1\r\n1\r\n", "STORED\r\n"],
  [() => `set d 0 ${secondsFromNow(600)} 1\r\n1\r\n`, "STORED\r\n"],
  [() => `set e 0 ${secondsFromNow(-600)} 1\r\n1\r\n`, "STORED\r\n"],
  ["get a b c d e\r\n", "VALUE a 0 1\r\n1\r\nVALUE d 0 1\r\n1\r\nEND\r\n"],
]);

transcript("values from 1 byte to 100 KiB come back as they are", [
  ...[1, 2, 100, 1000, 4096, 65_535, 65_536, 102_400].flatMap(
    (bytes) =>
      [
        [`set v${bytes} 0 0 ${bytes}\r\n${letters(bytes)}\r\n`, "STORED\r\n"],
        [`get v${bytes}\r\n`, `VALUE v${bytes} 0 ${bytes}\r\n${letters(bytes)}\r\nEND\r\n`],
      ] as const,
  ),
]);

transcript("a value of nearly 1 MiB is stored, appended to and replaced", [
  [`set big 0 0 1000000\r\n${letters(1_000_000)}\r\n`, "STORED\r\n"],
  ["append big 0 0 5\r\n-tail\r\n", "STORED\r\n"],
  ["get big\r\n", `VALUE big 0 1000005\r\n${letters(1_000_000)}-tail\r\nEND\r\n`],
  ["set big 0 0 5\r\nsmall\r\n", "STORED\r\n"],
  ["get big\r\n", "VALUE big 0 5\r\nsmall\r\nEND\r\n"],
]);

transcript("a value over the limit is refused after its last byte, and the connection goes on", [
  ["set big 0 0 3\r\nold\r\n", "STORED\r\n"],
  [
    `add big 0 0 1048576\r\n${letters(1_048_576)}\r\n`,
    "SERVER_ERROR object too large for cache\r\n",
  ],
  ["get big\r\n", "VALUE big 0 3\r\nold\r\nEND\r\n"],
  [
    `set big 0 0 1048576\r\n${letters(1_048_576)}\r\n`,
    "SERVER_ERROR object too large for cache\r\n",
  ],
  ["get big\r\n", "END\r\n"],
]);

transcript("noreply hides object too large", [
  [`set big 0 0 1048576 noreply\r\n${letters(1_048_576)}\r\n`, ""],
  ["get big\r\n", "END\r\n"],
]);

transcript("append whose result would be too large is not stored, and the old item stays", [
  [`set big 0 0 1000000\r\n${letters(1_000_000)}\r\n`, "STORED\r\n"],
  [`append big 0 0 100000\r\n${letters(100_000)}\r\n`, "NOT_STORED\r\n"],
  ["get big\r\n", `VALUE big 0 1000000\r\n${letters(1_000_000)}\r\nEND\r\n`],
]);

transcript("the largest value with a one-byte key is 1048516 bytes", [
  [`set k 0 0 1048516\r\n${letters(1_048_516)}\r\n`, "STORED\r\n"],
  [`set k 0 0 1048518\r\n${letters(1_048_518)}\r\n`, "SERVER_ERROR object too large for cache\r\n"],
]);

function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function letters(bytes: number): string {
  return "abcdefghijklmnopqrstuvwxyz0123456789".repeat(Math.ceil(bytes / 36)).slice(0, bytes);
}

function everyByte(): string {
  return String.fromCharCode(...Array(256).keys());
}

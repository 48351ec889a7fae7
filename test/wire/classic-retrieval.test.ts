/** get, gets, gat, gats: one key and many, hits and misses, what is a key and what is not. */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument\r\n";

transcript("get of an absent key is END alone", [
  ["get apple\r\n", "END\r\n"],
  ["gets apple\r\n", "END\r\n"],
]);

transcript("get answers hits in request order, and a repeated key again", [
  ["set a 1 0 1\r\nA\r\n", "STORED\r\n"],
  ["set b 2 0 2\r\nBB\r\n", "STORED\r\n"],
  ["set c 3 0 3\r\nCCC\r\n", "STORED\r\n"],
  ["get c a b\r\n", "VALUE c 3 3\r\nCCC\r\nVALUE a 1 1\r\nA\r\nVALUE b 2 2\r\nBB\r\nEND\r\n"],
  ["get a x a y a\r\n", "VALUE a 1 1\r\nA\r\nVALUE a 1 1\r\nA\r\nVALUE a 1 1\r\nA\r\nEND\r\n"],
  ["get x y z\r\n", "END\r\n"],
]);

transcript("gets gives the CAS unique, get does not", [
  ["set a 1 0 1\r\nA\r\n", "STORED\r\n"],
  ["gets a\r\n", "VALUE a 1 1 {cas}\r\nA\r\nEND\r\n"],
  ["get a\r\n", "VALUE a 1 1\r\nA\r\nEND\r\n"],
  ["gets a a\r\n", "VALUE a 1 1 {cas}\r\nA\r\nVALUE a 1 1 {cas}\r\nA\r\nEND\r\n"],
]);

transcript("get takes more keys than a line has tokens", [
  ["set k30 0 0 2\r\n30\r\n", "STORED\r\n"],
  ["set k7 0 0 1\r\n7\r\n", "STORED\r\n"],
  [`get ${keys(40)}\r\n`, "VALUE k7 0 1\r\n7\r\nVALUE k30 0 2\r\n30\r\nEND\r\n"],
  [`gets ${keys(200)}\r\n`, "VALUE k7 0 1 {a}\r\n7\r\nVALUE k30 0 2 {b}\r\n30\r\nEND\r\n"],
  [`gat 0 ${keys(40)}\r\n`, "VALUE k7 0 1\r\n7\r\nVALUE k30 0 2\r\n30\r\nEND\r\n"],
]);

transcript("get lines may be far longer than 2048 bytes", [
  ["set k1999 0 0 4\r\nlast\r\n", "STORED\r\n"],
  [`get ${keys(2000)}\r\n`, "VALUE k1999 0 4\r\nlast\r\nEND\r\n"],
  [`gets ${keys(2000)}\r\n`, "VALUE k1999 0 4 {cas}\r\nlast\r\nEND\r\n"],
]);

transcript(
  "get of 2000 keys of 200 bytes",
  [
    [`set ${longKey(1234)} 0 0 1\r\n!\r\n`, "STORED\r\n"],
    [
      `get ${Array.from({ length: 2000 }, (_, index) => longKey(index)).join(" ")}\r\n`,
      `VALUE ${longKey(1234)} 0 1\r\n!\r\nEND\r\n`,
    ],
  ],
  { fragments: [1460, 65_536] },
);

transcript("several spaces separate like one, and trailing ones are ignored", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get   a     x  a  \r\n", "VALUE a 0 1\r\nA\r\nVALUE a 0 1\r\nA\r\nEND\r\n"],
  ["set   b  0   0 1   \r\nB\r\n", "STORED\r\n"],
  ["get b \n", "VALUE b 0 1\r\nB\r\nEND\r\n"],
]);

transcript("noreply is a key for get", [
  ["set noreply 0 0 1\r\nN\r\n", "STORED\r\n"],
  ["get noreply\r\n", "VALUE noreply 0 1\r\nN\r\nEND\r\n"],
  ["get a noreply\r\n", "VALUE noreply 0 1\r\nN\r\nEND\r\n"],
  ["gets noreply\r\n", "VALUE noreply 0 1 {cas}\r\nN\r\nEND\r\n"],
]);

transcript("get without a key is an error", [
  ["get\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["gets\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["get \r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["gat\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["gats\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["gat 0\r\n", BAD_FORMAT, oracle18("END\r\n", "an exptime alone is an empty request")],
  ["gats 0\r\n", BAD_FORMAT, oracle18("END\r\n", "an exptime alone is an empty request")],
]);

transcript("a key of 250 bytes is a key, one of 251 is not", [
  [`set ${"k".repeat(250)} 0 0 1\r\n1\r\n`, "STORED\r\n"],
  [`get ${"k".repeat(250)}\r\n`, `VALUE ${"k".repeat(250)} 0 1\r\n1\r\nEND\r\n`],
  [`get ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  [`gets ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  [`gat 0 ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  [`gats 0 ${"k".repeat(251)}\r\n`, BAD_FORMAT],
]);

transcript("a long key among many: the error alone is the answer", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  [`get a ${"k".repeat(251)} a\r\n`, BAD_FORMAT],
  [`gets a a a ${"k".repeat(300)}\r\n`, BAD_FORMAT],
  [`gat 0 a ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  [`get a ${keys(30)} ${"k".repeat(251)} a\r\n`, BAD_FORMAT],
]);

transcript("keys may hold control bytes, tabs and bytes above 0x7f", [
  ["set tab\there 0 0 1\r\n1\r\n", "STORED\r\n"],
  ["set \x01\x7f\xff 0 0 1\r\n2\r\n", "STORED\r\n"],
  ["set in\rside 0 0 1\r\n3\r\n", "STORED\r\n"],
  ["get tab\there\r\n", "VALUE tab\there 0 1\r\n1\r\nEND\r\n"],
  ["get \x01\x7f\xff\r\n", "VALUE \x01\x7f\xff 0 1\r\n2\r\nEND\r\n"],
  ["get in\rside\r\n", "VALUE in\rside 0 1\r\n3\r\nEND\r\n"],
]);

transcript("a NUL is a byte of a key", [
  [
    "set nul\0 0 0 1\r\n4\r\n",
    "STORED\r\n",
    oracle18("ERROR\r\nERROR\r\n", "a NUL ends the line's tokens"),
  ],
  [
    "get nul\0 nul\r\n",
    "VALUE nul\0 0 1\r\n4\r\nEND\r\n",
    oracle18("END\r\n", "a NUL ends the line's tokens"),
  ],
]);

transcript("only the last carriage return before the line feed is dropped", [
  ["set a\r 0 0 1\r\n1\r\n", "STORED\r\n"],
  ["get a\r\r\n", "VALUE a\r 0 1\r\n1\r\nEND\r\n"],
  ["get a\r\n", "END\r\n"],
]);

transcript("gat gives the value and a new exptime", [
  ["set a 5 100 1\r\nA\r\n", "STORED\r\n"],
  ["gat 0 a\r\n", "VALUE a 5 1\r\nA\r\nEND\r\n"],
  ["mg a t\r\n", "HD t-1\r\n"],
  ["gats 0 a x a\r\n", "VALUE a 5 1 {cas}\r\nA\r\nVALUE a 5 1 {cas}\r\nA\r\nEND\r\n"],
  ["gat 100 x y\r\n", "END\r\n"],
]);

transcript("gat keeps the CAS", [
  ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
  ["gets a\r\n", "VALUE a 5 1 {cas}\r\nA\r\nEND\r\n"],
  ["gats 100 a\r\n", "VALUE a 5 1 {cas}\r\nA\r\nEND\r\n"],
  ["gets a\r\n", "VALUE a 5 1 {cas}\r\nA\r\nEND\r\n"],
]);

transcript("gat with a negative exptime gives the value once", [
  ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
  ["gat -1 a\r\n", "VALUE a 5 1\r\nA\r\nEND\r\n"],
  ["get a\r\n", "END\r\n"],
  ["gat 0 a\r\n", "END\r\n"],
]);

for (const exptime of ["soon", "1x", "1.5", "x1", "99999999999999999999"]) {
  transcript(`gat refuses the exptime "${exptime}"`, [
    ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
    [`gat ${exptime} a\r\n`, BAD_EXPTIME],
    [`gats ${exptime} a\r\n`, BAD_EXPTIME],
    ["get a\r\n", "VALUE a 5 1\r\nA\r\nEND\r\n"],
  ]);
}

for (const exptime of ["2147483648", "-2147483649", "+5", "000000000005"]) {
  transcript(`gat refuses the exptime "${exptime}": not a strict signed 32-bit number`, [
    ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
    [
      `gat ${exptime} a\r\n`,
      BAD_EXPTIME,
      oracle18("VALUE a 5 1\r\nA\r\nEND\r\n", "the lenient number of storage commands"),
    ],
  ]);
}

transcript("a pipeline of gets is answered in order", [
  ["set a 0 0 1\r\nA\r\nset b 0 0 1\r\nB\r\n", "STORED\r\nSTORED\r\n"],
  [
    "get a\r\nget b\r\nget c\r\nget a b\r\nversion\r\nget b\r\n",
    "VALUE a 0 1\r\nA\r\nEND\r\nVALUE b 0 1\r\nB\r\nEND\r\nEND\r\n" +
      "VALUE a 0 1\r\nA\r\nVALUE b 0 1\r\nB\r\nEND\r\nVERSION {version}\r\n" +
      "VALUE b 0 1\r\nB\r\nEND\r\n",
  ],
]);

transcript("a pipeline reads what it wrote before, also with noreply", [
  [
    Array.from(
      { length: 50 },
      (_, index) => `set k${index} 0 0 2 noreply\r\n${10 + index}\r\nget k${index}\r\n`,
    ).join(""),
    Array.from(
      { length: 50 },
      (_, index) => `VALUE k${index} 0 2\r\n${10 + index}\r\nEND\r\n`,
    ).join(""),
  ],
  [
    "set n 0 0 1\r\n0\r\nincr n 1\r\nget n\r\nincr n 1 noreply\r\nget n\r\ndelete n\r\nget n\r\n",
    "STORED\r\n1\r\nVALUE n 0 1\r\n1\r\nEND\r\nVALUE n 0 1\r\n2\r\nEND\r\nDELETED\r\nEND\r\n",
  ],
  [
    "set n 0 0 1 noreply\r\n0\r\nappend n 0 0 1 noreply\r\n1\r\nprepend n 0 0 1\r\n2\r\nget n x n\r\n",
    "STORED\r\nVALUE n 0 3\r\n201\r\nVALUE n 0 3\r\n201\r\nEND\r\n",
  ],
]);

function keys(count: number): string {
  return Array.from({ length: count }, (_, index) => `k${index}`).join(" ");
}

function longKey(index: number): string {
  return `${index}`.padStart(200, "key-");
}

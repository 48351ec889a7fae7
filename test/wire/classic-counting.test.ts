/** incr and decr: arithmetic, padding in place, what counts as a number, errors. */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const BAD_DELTA = "CLIENT_ERROR invalid numeric delta argument\r\n";
const NON_NUMERIC = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";

transcript("incr and decr of an absent key", [
  ["incr n 1\r\n", "NOT_FOUND\r\n"],
  ["decr n 1\r\n", "NOT_FOUND\r\n"],
  ["get n\r\n", "END\r\n"],
]);

transcript("incr adds and decr subtracts", [
  ["set n 5 0 2\r\n10\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "11\r\n"],
  ["incr n 0\r\n", "11\r\n"],
  ["decr n 2\r\n", "9\r\n"],
  ["incr n 90\r\n", "99\r\n"],
  ["get n\r\n", "VALUE n 5 2\r\n99\r\nEND\r\n"],
]);

transcript("a longer result gets an item of its exact length, with the old flags", [
  ["set n 5 0 2\r\n99\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "100\r\n"],
  ["get n\r\n", "VALUE n 5 3\r\n100\r\nEND\r\n"],
  ["incr n 18446744073709551515\r\n", "18446744073709551615\r\n"],
  ["get n\r\n", "VALUE n 5 20\r\n18446744073709551615\r\nEND\r\n"],
]);

transcript("a shorter result is padded with spaces in place", [
  ["set n 5 0 2\r\n10\r\n", "STORED\r\n"],
  ["decr n 5\r\n", "5\r\n"],
  ["get n\r\n", "VALUE n 5 2\r\n5 \r\nEND\r\n"],
  ["incr n 1\r\n", "6\r\n"],
  ["get n\r\n", "VALUE n 5 2\r\n6 \r\nEND\r\n"],
  ["append n 0 0 1\r\n7\r\n", "STORED\r\n"],
  ["get n\r\n", "VALUE n 5 3\r\n6 7\r\nEND\r\n"],
  ["incr n 1\r\n", "7\r\n"],
  ["get n\r\n", "VALUE n 5 3\r\n7  \r\nEND\r\n"],
]);

transcript("thirty digits with leading zeros become one digit and 29 spaces", [
  [`set n 0 0 30\r\n${"0".repeat(29)}5\r\n`, "STORED\r\n"],
  ["incr n 1\r\n", "6\r\n"],
  ["get n\r\n", `VALUE n 0 30\r\n6${" ".repeat(29)}\r\nEND\r\n`],
]);

for (const length of [65, 100, 5000]) {
  transcript(`a value of ${length} bytes keeps its length`, [
    [`set n 0 0 ${length}\r\n9${" ".repeat(length - 1)}\r\n`, "STORED\r\n"],
    ["incr n 90\r\n", "99\r\n"],
    ["get n\r\n", `VALUE n 0 ${length}\r\n99${" ".repeat(length - 2)}\r\nEND\r\n`],
    ["decr n 95\r\n", "4\r\n"],
    ["get n\r\n", `VALUE n 0 ${length}\r\n4${" ".repeat(length - 1)}\r\nEND\r\n`],
  ]);
}

transcript("incr wraps at 2^64, decr stops at 0", [
  ["set n 0 0 20\r\n18446744073709551615\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "0\r\n"],
  ["get n\r\n", `VALUE n 0 20\r\n0${" ".repeat(19)}\r\nEND\r\n`],
  ["decr n 1\r\n", "0\r\n"],
  ["incr n 18446744073709551615\r\n", "18446744073709551615\r\n"],
  ["incr n 18446744073709551615\r\n", "18446744073709551614\r\n"],
  ["decr n 18446744073709551613\r\n", "1\r\n"],
  ["decr n 18446744073709551615\r\n", "0\r\n"],
]);

transcript("64-bit numbers are exact", [
  ["set n 0 0 16\r\n9007199254740993\r\n", "STORED\r\n"],
  ["incr n 2\r\n", "9007199254740995\r\n"],
  ["decr n 1\r\n", "9007199254740994\r\n"],
  ["set n 0 0 19\r\n9223372036854775807\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "9223372036854775808\r\n"],
  ["set n 0 0 10\r\n4294967295\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "4294967296\r\n"],
  ["decr n 1\r\n", "4294967295\r\n"],
]);

for (const [value, reply] of [
  ["5 6", "6"],
  [" 5", "6"],
  ["   5  ", "6"],
  ["0", "1"],
  ["007", "8"],
  ["5 apples", "6"],
  ["5\0apples", "6"],
  ["18446744073709551615", "0"],
] as const) {
  transcript(`the value "${value}" counts as a number`, [
    [`set n 0 0 ${value.length}\r\n${value}\r\n`, "STORED\r\n"],
    ["incr n 1\r\n", `${reply}\r\n`],
  ]);
}

for (const value of ["", "apple", "5apples", "-5", "1.5", "0x10", "18446744073709551616"]) {
  transcript(`the value "${value}" is no number`, [
    [`set n 7 0 ${value.length}\r\n${value}\r\n`, "STORED\r\n"],
    ["incr n 1\r\n", NON_NUMERIC],
    ["decr n 1\r\n", NON_NUMERIC],
    ["get n\r\n", `VALUE n 7 ${value.length}\r\n${value}\r\nEND\r\n`],
  ]);
}

transcript(
  "blanks alone are no number",
  [
    ["set n 7 0 2\r\n  \r\n", "STORED\r\n"],
    ["incr n 1\r\n", NON_NUMERIC],
    ["ma n\r\n", NON_NUMERIC],
  ],
  { notOnOracle: "it reads on into the bytes after the value" },
);

for (const delta of ["x", "-1", "1x", "1.5", "0x1", "18446744073709551616", "9".repeat(23)]) {
  transcript(`the delta "${delta}" is refused`, [
    ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
    [`incr n ${delta}\r\n`, BAD_DELTA],
    [`decr n ${delta}\r\n`, BAD_DELTA],
    [`incr absent ${delta}\r\n`, BAD_DELTA],
    ["get n\r\n", "VALUE n 0 1\r\n5\r\nEND\r\n"],
  ]);
}

transcript("a delta has no sign", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["incr n +1\r\n", BAD_DELTA, oracle18("6\r\n", "a plus sign is accepted")],
]);

transcript("incr and decr with too few tokens or a long key", [
  ["incr\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  ["incr n\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  ["decr\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  ["decr n\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  [`incr ${"k".repeat(251)} 1\r\n`, BAD_FORMAT],
  [`decr ${"k".repeat(251)} 1\r\n`, BAD_FORMAT],
]);

transcript("surplus tokens are ignored", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["incr n 1 x y\r\n", "6\r\n", oracle18("ERROR\r\n", "a wrong token count is ERROR")],
]);

transcript("noreply counts in silence, errors included", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["incr n 3 noreply\r\n", ""],
  ["decr n 1 noreply\r\n", ""],
  ["incr absent 1 noreply\r\n", ""],
  ["incr n x noreply\r\n", ""],
  ["get n\r\n", "VALUE n 0 1\r\n7\r\nEND\r\n"],
]);

transcript("incr gives a new CAS", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["gets n\r\n", "VALUE n 0 1 {cas}\r\n5\r\nEND\r\n"],
  ["incr n 1\r\n", "6\r\n"],
  ["cas n 0 0 1 {cas}\r\n9\r\n", "EXISTS\r\n"],
  ["gets n\r\n", "VALUE n 0 1 {new}\r\n6\r\nEND\r\n"],
  ["cas n 0 0 1 {new}\r\n9\r\n", "STORED\r\n"],
]);

transcript("incr keeps the exptime, also when the item grows", [
  ["set n 0 0 1\r\n9\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "10\r\n"],
  ["mg n t\r\n", "HD t-1\r\n"],
]);

transcript("incr does not make an item fetched", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["incr n 1\r\n", "6\r\n"],
  ["mg n h\r\n", "HD h0\r\n"],
  ["mg n h\r\n", "HD h1\r\n"],
]);

transcript("a long pipeline of incr counts every one", [
  ["set n 0 0 1\r\n0\r\n", "STORED\r\n"],
  [
    "incr n 1\r\n".repeat(500),
    Array.from({ length: 500 }, (_, index) => `${index + 1}\r\n`).join(""),
  ],
  ["incr n 1 noreply\r\n".repeat(500), ""],
  ["get n\r\n", "VALUE n 0 4\r\n1000\r\nEND\r\n"],
]);

/** delete and touch. */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument\r\n";
const USAGE = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";

transcript("delete removes an item, once", [
  ["delete a\r\n", "NOT_FOUND\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete a\r\n", "DELETED\r\n"],
  ["delete a\r\n", "NOT_FOUND\r\n"],
  ["get a\r\n", "END\r\n"],
  ["add a 0 0 1\r\nB\r\n", "STORED\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\nB\r\nEND\r\n"],
]);

transcript("delete takes an argument after the key and does not look at it", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete a 0\r\n", "DELETED\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete a 10\r\n", "DELETED\r\n", oracle18(USAGE, "only 0 is accepted")],
]);

transcript("delete with more than key, one argument and noreply is an error", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete a b c d e\r\n", "ERROR\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\nA\r\nEND\r\n"],
]);

transcript("delete without a key, or with a long one", [
  ["delete\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  [`delete ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  [`delete ${"k".repeat(250)}\r\n`, "NOT_FOUND\r\n"],
]);

transcript("delete noreply is silent", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete a noreply\r\n", ""],
  ["delete a noreply\r\n", ""],
  ["get a\r\n", "END\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete a 0 noreply\r\n", ""],
  ["get a\r\n", "END\r\n"],
]);

transcript("delete noreply, without more: key and noreply at once", [
  ["set noreply 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["delete noreply\r\n", "", oracle18("DELETED\r\n", "noreply is only looked for after a key")],
  ["get noreply\r\n", "END\r\n"],
]);

transcript("touch of an absent key", [
  ["touch a 0\r\n", "NOT_FOUND\r\n"],
  ["touch a 100\r\n", "NOT_FOUND\r\n"],
  ["touch a -1\r\n", "NOT_FOUND\r\n"],
]);

transcript("touch gives a new exptime and keeps value and CAS", [
  ["set a 5 100 1\r\nA\r\n", "STORED\r\n"],
  ["gets a\r\n", "VALUE a 5 1 {cas}\r\nA\r\nEND\r\n"],
  ["touch a 0\r\n", "TOUCHED\r\n"],
  ["mg a t\r\n", "HD t-1\r\n"],
  ["gets a\r\n", "VALUE a 5 1 {cas}\r\nA\r\nEND\r\n"],
]);

transcript("touch with a negative exptime expires the item", [
  ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
  ["touch a -1\r\n", "TOUCHED\r\n"],
  ["get a\r\n", "END\r\n"],
  ["touch a 0\r\n", "NOT_FOUND\r\n"],
]);

transcript("touch counts as a fetch", [
  ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
  ["mg a h u\r\n", "HD h0\r\n"],
  ["touch a 0\r\n", "TOUCHED\r\n"],
  ["mg a h\r\n", "HD h1\r\n"],
]);

transcript("touch with too few tokens, a long key or a bad exptime", [
  ["touch\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  ["touch a\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "a wrong token count is ERROR")],
  [`touch ${"k".repeat(251)} 0\r\n`, BAD_FORMAT],
  ["touch a soon\r\n", BAD_EXPTIME],
  ["touch a 1x\r\n", BAD_EXPTIME],
  ["touch a 1.5\r\n", BAD_EXPTIME],
  ["touch a 99999999999999999999\r\n", BAD_EXPTIME],
]);

for (const exptime of ["2147483648", "-2147483649", "+5", "000000000005"]) {
  transcript(`touch refuses the exptime "${exptime}": not a strict signed 32-bit number`, [
    [
      `touch a ${exptime}\r\n`,
      BAD_EXPTIME,
      oracle18("NOT_FOUND\r\n", "the lenient number of storage commands"),
    ],
  ]);
}

transcript("touch noreply is silent, errors included", [
  ["set a 5 0 1\r\nA\r\n", "STORED\r\n"],
  ["touch a 100 noreply\r\n", ""],
  ["touch b 100 noreply\r\n", ""],
  ["touch a soon noreply\r\n", ""],
  ["touch a -1 noreply\r\n", ""],
  ["get a\r\n", "END\r\n"],
]);

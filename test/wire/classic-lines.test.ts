/**
 * Lines: their end, their length, separators, unknown commands, noreply, HTTP; and the small
 * commands.
 */
import { closes, oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const SHORT = oracle18("ERROR\r\n", "short lines are ERROR");
const COUNTED = oracle18("ERROR\r\n", "a wrong token count is ERROR");

transcript("a bare line feed ends a command line", [
  ["set a 0 0 1\nA\r\n", "STORED\r\n"],
  ["get a\n", "VALUE a 0 1\r\nA\r\nEND\r\n"],
  ["gets a\n", "VALUE a 0 1 {cas}\r\nA\r\nEND\r\n"],
  ["touch a 0\n", "TOUCHED\r\n"],
  ["gat 0 a\n", "VALUE a 0 1\r\nA\r\nEND\r\n"],
  ["cas a 0 0 1 {cas}\n5\r\n", "STORED\r\n"],
  ["incr a 1\n", "6\r\n"],
  ["delete a\n", "DELETED\r\n"],
  ["flush_all\n", "OK\r\n"],
  ["verbosity 0\n", "OK\r\n"],
  ["version\n", "VERSION {version}\r\n"],
  ["mg a\n", "EN\r\n"],
  ["ms a 1\nA\r\n", "HD\r\n"],
  ["md a\n", "HD\r\n"],
  ["bogus\n", "ERROR\r\n"],
  ["quit\n", closes()],
]);

transcript("a line of fewer than 4 bytes is a bad format", [
  ["\r\n", BAD_FORMAT, SHORT],
  ["\n", BAD_FORMAT, SHORT],
  ["a\r\n", BAD_FORMAT, SHORT],
  [" \r\n", BAD_FORMAT, SHORT],
  ["ab\n", BAD_FORMAT, SHORT],
  ["mn\n", BAD_FORMAT, oracle18("MN\r\n", "mn needs no more than itself")],
  ["ab\r\n", "ERROR\r\n"],
  ["abc\n", "ERROR\r\n"],
  ["mn\r\n", "MN\r\n"],
]);

transcript("a command name begins its line", [
  [" get a\r\n", "ERROR\r\n", oracle18("END\r\n", "leading spaces are skipped")],
  ["   version\r\n", "ERROR\r\n", oracle18("VERSION {version}\r\n", "leading spaces are skipped")],
]);

transcript("a tab is no separator", [
  ["get\ta\r\n", "ERROR\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get a\ta\r\n", "END\r\n"],
]);

transcript("names are case sensitive", [
  ["GET a\r\n", "ERROR\r\n"],
  ["Get a\r\n", "ERROR\r\n"],
  ["SET a 0 0 1\r\n", "ERROR\r\n"],
  ["VERSION\r\n", "ERROR\r\n"],
  ["MG a\r\n", "ERROR\r\n"],
  ["Quit\r\n", "ERROR\r\n"],
]);

transcript("names are not abbreviated and not extended", [
  ["ge a\r\n", "ERROR\r\n"],
  ["getx a\r\n", "ERROR\r\n"],
  ["vers\r\n", "ERROR\r\n"],
  ["versions\r\n", "ERROR\r\n"],
  ["flush\r\n", "ERROR\r\n"],
  ["increment a 1\r\n", "ERROR\r\n"],
  ["m\r\n\r\n", `${BAD_FORMAT}${BAD_FORMAT}`, oracle18("ERROR\r\nERROR\r\n", "short lines")],
  ["mx a\r\n", "ERROR\r\n"],
  ["get_multi a\r\n", "ERROR\r\n"],
]);

transcript("unknown commands are ERROR and the connection goes on", [
  ["bogus\r\n", "ERROR\r\n"],
  ["bogus with many words\r\n", "ERROR\r\n"],
  ["config get cluster\r\n", "ERROR\r\n"],
  ["bogus noreply\r\n", "", oracle18("ERROR\r\n", "noreply is not looked for")],
]);

transcript("an unknown command whose last word begins with HTTP/ closes the connection", [
  ["GET / HTTP/1.1\r\n", closes()],
]);
transcript("POST is closed too", [["POST /cache HTTP/1.0\r\n", closes()]]);
transcript("the protocol's name alone is enough", [["foo bar HTTP/\r\n", closes()]]);
transcript("on any line, not only the first", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["DELETE / HTTP/2\r\nget a\r\n", closes()],
]);
transcript("a known command with such a word is that command", [
  ["get / HTTP/1.1\r\n", "END\r\n"],
  ["set HTTP/1.1 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get HTTP/1.1\r\n", "VALUE HTTP/1.1 0 1\r\nA\r\nEND\r\n"],
]);

transcript("2049 bytes without a line end close the connection", [["x".repeat(2049), closes()]]);
transcript("also when they begin like another command than get", [
  [`set ${"k".repeat(2045)}`, closes()],
]);
transcript("also for gat, mg and the rest", [[`gat 0 ${"k ".repeat(1100)}`, closes()]]);
transcript("2047 bytes without a line end wait for it", [
  ["x".repeat(2044), ""],
  ["xx", ""],
  ["\r\n", "ERROR\r\n"],
]);
transcript("more than 100 leading spaces without a line end close the connection", [
  [`${" ".repeat(101)}get ${"k ".repeat(1100)}`, closes()],
]);
transcript("get and gets lines may grow", [
  [`get ${"k ".repeat(3000)}`, ""],
  [`${"k ".repeat(3000)}\r\n`, "END\r\n"],
  [`gets ${"k ".repeat(3000)}`, ""],
  [`${"k ".repeat(3000)}\r\n`, "END\r\n"],
]);
transcript(
  "a line of 5000 bytes that arrives whole is a line",
  [[`${"x".repeat(5000)}\r\n`, "ERROR\r\n"]],
  { fragments: [65_536] },
);

transcript("noreply is not for version, stats and quit", [
  ["version noreply\r\n", "VERSION {version}\r\n"],
  ["quit noreply\r\n", closes()],
]);

transcript("only the last token can be noreply", [
  ["set noreply 0 0 1\r\nN\r\n", "STORED\r\n"],
  ["delete noreply 0\r\n", "DELETED\r\n"],
]);

transcript("version", [
  ["version\r\n", "VERSION {version}\r\n"],
  ["version foo bar\r\n", "VERSION {version}\r\n"],
]);

transcript("quit answers what came before it, then closes", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  [
    "get a\r\nset b 0 0 1\r\nB\r\nquit\r\nget a\r\n",
    closes("VALUE a 0 1\r\nA\r\nEND\r\nSTORED\r\n"),
  ],
]);
transcript("quit takes arguments and ignores them", [["quit foo bar\r\n", closes()]]);

transcript("verbosity takes an unsigned number", [
  ["verbosity 0\r\n", "OK\r\n"],
  ["verbosity 0 noreply\r\n", ""],
  ["verbosity\r\n", BAD_FORMAT, COUNTED],
  ["verbosity x\r\n", BAD_FORMAT],
  ["verbosity foo bar my\r\n", BAD_FORMAT, COUNTED],
  ["verbosity noreply\r\n", ""],
  ["verbosity x noreply\r\n", ""],
  ["verbosity 99\r\n", "OK\r\n"],
  ["verbosity 0\r\n", "OK\r\n"],
]);

transcript("flush_all empties the cache", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["set b 0 0 1\r\nB\r\n", "STORED\r\n"],
  ["flush_all\r\n", "OK\r\n"],
  ["get a b\r\n", "END\r\n"],
  ["incr a 1\r\n", "NOT_FOUND\r\n"],
  ["append a 0 0 1\r\nA\r\n", "NOT_STORED\r\n"],
  ["replace a 0 0 1\r\nA\r\n", "NOT_STORED\r\n"],
  ["delete b\r\n", "NOT_FOUND\r\n"],
  ["add a 0 0 1\r\nC\r\n", "STORED\r\n"],
  ["get a b\r\n", "VALUE a 0 1\r\nC\r\nEND\r\n"],
]);

transcript("flush_all: what is stored after it, in the same pipeline, lives", [
  [
    "set a 0 0 1\r\nA\r\nflush_all\r\nget a\r\nset a 0 0 1\r\nB\r\nget a\r\n",
    "STORED\r\nOK\r\nEND\r\nSTORED\r\nVALUE a 0 1\r\nB\r\nEND\r\n",
  ],
  [
    "flush_all noreply\r\nset a 0 0 1 noreply\r\nC\r\nget a\r\nflush_all noreply\r\nget a\r\n",
    "VALUE a 0 1\r\nC\r\nEND\r\nEND\r\n",
  ],
]);

transcript("flush_all takes a delay: 0 and negative ones mean now", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["flush_all 0\r\n", "OK\r\n"],
  ["get a\r\n", "END\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["flush_all -1\r\n", "OK\r\n"],
  ["get a\r\n", "END\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["flush_all 0 noreply\r\n", ""],
  ["get a\r\n", "END\r\n"],
]);

transcript("flush_all with a delay leaves the items for now, and flush_all 0 takes it back", [
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["flush_all 100\r\n", "OK\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\nA\r\nEND\r\n"],
  ["set b 0 0 1\r\nB\r\n", "STORED\r\n"],
  ["get b\r\n", "VALUE b 0 1\r\nB\r\nEND\r\n"],
  ["flush_all 0\r\n", "OK\r\n"],
  ["get a b\r\n", "END\r\n"],
]);

transcript("flush_all with a bad delay", [
  ["flush_all soon\r\n", "CLIENT_ERROR invalid exptime argument\r\n"],
  ["flush_all 1.5\r\n", "CLIENT_ERROR invalid exptime argument\r\n"],
]);

/** `stats sizes`, and the words of `stats` shortened. */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn({ size: "small" });
const tracking = transcriptsOn({ size: "small", args: ["-o", "track_sizes"] });

transcript("without it: disabled, as in memcached", [
  ["stats sizes\r\n", "STAT sizes_status disabled\r\nEND\r\n"],
]);

tracking(
  "-o track_sizes: counts of items by size, 32 bytes a step",
  [
    ["stats sizes\r\n", "END\r\n"],
    ["set a 0 0 5\r\napple\r\n", "STORED\r\n"],
    ["set b 0 0 5\r\napple\r\n", "STORED\r\n"],
    [`set c 0 0 100\r\n${"c".repeat(100)}\r\n`, "STORED\r\n"],
    ["stats sizes\r\n", "STAT 96 2\r\nSTAT 160 1\r\nEND\r\n"],
    ["delete a\r\n", "DELETED\r\n"],
    ["stats sizes\r\n", "STAT 96 1\r\nSTAT 160 1\r\nEND\r\n"],
  ],
  { notOnOracle: "it counts items that were flushed and are still there" },
);

const WHOLE = oracle18("ERROR\r\n", "1.6.18 wants the whole word");

transcript("a word of stats may be shortened to any beginning", [
  ["stats si\r\n", "STAT sizes_status disabled\r\nEND\r\n", WHOLE],
  ["stats d off\r\n", "OK\r\n", WHOLE],
  ["stats re\r\n", "RESET\r\n", WHOLE],
  ["stats resets\r\n", "ERROR\r\n"],
]);

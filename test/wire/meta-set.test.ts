/** ms: modes, CAS, invalidation, return flags, the data block, errors. */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const BAD_CHUNK = "CLIENT_ERROR bad data chunk\r\n";
const BAD_TOKEN = "CLIENT_ERROR bad token in command line format\r\n";
const INVALID_FLAG = "CLIENT_ERROR invalid flag\r\n";
const TOO_LARGE = "SERVER_ERROR object too large for cache\r\n";

transcript("ms stores", [
  ["ms a 3\r\nred\r\n", "HD\r\n"],
  ["mg a v f t\r\n", "VA 3 f0 t-1\r\nred\r\n"],
  ["ms a 0\r\n\r\n", "HD\r\n"],
  ["get a\r\n", "VALUE a 0 0\r\n\r\nEND\r\n"],
]);

transcript("F and T give client flags and TTL", [
  ["ms a 3 F77 T0\r\nred\r\n", "HD\r\n"],
  ["mg a f t v\r\n", "VA 3 f77 t-1\r\nred\r\n"],
  ["ms a 3 T-1\r\nred\r\n", "HD\r\n"],
  ["mg a\r\n", "EN\r\n"],
  ["ms a 3 F4294967295\r\nred\r\n", "HD\r\n"],
  ["mg a f\r\n", "HD f4294967295\r\n"],
]);

transcript("k, O, c come back in request order", [
  ["ms a 3 k Oxyz c\r\nred\r\n", "HD ka Oxyz c{cas}\r\n"],
  ["mg a c\r\n", "HD c{cas}\r\n"],
  ["ms a 3 c O1 k\r\nred\r\n", "HD c{new} O1 ka\r\n"],
  ["ms a 3 T0 F1 k I\r\nred\r\n", "HD ka\r\n"],
]);

transcript("s gives the size after the operation", [
  ["ms a 3 s\r\nred\r\n", "HD s3\r\n", oracle18("HD\r\n", "s is not returned")],
  ["ms a 4 MA s\r\n-new\r\n", "HD s7\r\n", oracle18("HD\r\n", "s is not returned")],
]);

transcript("q hides HD and nothing else", [
  ["ms a 3 q\r\nred\r\nmn\r\n", "MN\r\n"],
  ["ms a 3 q ME\r\nred\r\nmn\r\n", "NS\r\nMN\r\n"],
  ["ms a 3 q C1\r\nred\r\nmn\r\n", "EX\r\nMN\r\n"],
  ["ms b 3 q C1\r\nred\r\nmn\r\n", "NF\r\nMN\r\n"],
  ["ms a 3 q k O1 c\r\nred\r\nmn\r\n", "MN\r\n"],
  ["ms a 3 q\r\nreddd", BAD_CHUNK],
]);

transcript("ME adds", [
  ["ms a 3 ME\r\nred\r\n", "HD\r\n"],
  ["ms a 3 ME\r\nnew\r\n", "NS\r\n"],
  ["ms a 3 ME k Oq\r\nnew\r\n", "NS ka Oq\r\n"],
  ["mg a v\r\n", "VA 3\r\nred\r\n"],
]);

transcript("MR replaces", [
  ["ms a 3 MR\r\nred\r\n", "NS\r\n"],
  ["ms a 3 MS\r\nred\r\n", "HD\r\n"],
  ["ms a 3 MR F5\r\nnew\r\n", "HD\r\n"],
  ["mg a v f\r\n", "VA 3 f5\r\nnew\r\n"],
]);

transcript("MA appends and MP prepends, keeping flags and TTL", [
  ["ms a 3 MA\r\nred\r\n", "NS\r\n"],
  ["ms a 3 MP\r\nred\r\n", "NS\r\n"],
  ["ms a 3 F5 T100\r\nred\r\n", "HD\r\n"],
  ["ms a 5 MA F9 T0\r\n-tail\r\n", "HD\r\n"],
  ["ms a 5 MP\r\nhead-\r\n", "HD\r\n"],
  ["mg a v f\r\n", "VA 13 f5\r\nhead-red-tail\r\n"],
]);

transcript("N lets append and prepend create", [
  ["ms a 3 MA N0\r\nred\r\n", "HD\r\n", oracle18("NS\r\n", "N means nothing to ms")],
  ["mg a v t\r\n", "VA 3 t-1\r\nred\r\n", oracle18("EN\r\n", "N means nothing to ms")],
  ["ms b 3 MP N0\r\nred\r\n", "HD\r\n", oracle18("NS\r\n", "N means nothing to ms")],
  ["mg b v t\r\n", "VA 3 t-1\r\nred\r\n", oracle18("EN\r\n", "N means nothing to ms")],
]);

transcript("the first byte of M counts", [
  [
    "ms a 3 M\r\nred\r\n",
    "CLIENT_ERROR invalid mode for ms M token\r\n",
    oracle18("CLIENT_ERROR incorrect length for M token\r\n", "the token must be one byte"),
  ],
  [
    "ms a 3 MSET\r\nred\r\n",
    "HD\r\n",
    oracle18("CLIENT_ERROR incorrect length for M token\r\n", "the token must be one byte"),
  ],
  ["ms a 3 Me\r\nred\r\n", "CLIENT_ERROR invalid mode for ms M token\r\n"],
  ["ms a 3 MX\r\nred\r\n", "CLIENT_ERROR invalid mode for ms M token\r\n"],
  ["ms a 3 M1\r\nred\r\n", "CLIENT_ERROR invalid mode for ms M token\r\n"],
]);

transcript("C compares", [
  ["ms a 3 C1\r\nred\r\n", "NF\r\n"],
  ["ms a 3 c\r\nred\r\n", "HD c{cas}\r\n"],
  ["ms a 3 C1 c\r\nnew\r\n", "EX c0\r\n"],
  ["ms a 3 C0\r\nnew\r\n", "EX\r\n"],
  ["ms a 3 C{cas} c\r\nnew\r\n", "HD c{new}\r\n"],
  ["ms a 3 C{cas}\r\nold\r\n", "EX\r\n"],
  ["ms a 3 MR C{new}\r\nrep\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 3\r\nrep\r\n"],
]);

transcript("C with append and prepend", [
  ["ms a 3 c\r\nred\r\n", "HD c{cas}\r\n"],
  ["ms a 1 MA C1\r\n!\r\n", "EX\r\n"],
  ["ms a 1 MP C1\r\n!\r\n", "EX\r\n"],
  ["ms a 1 MA C{cas}\r\n!\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 4\r\nred!\r\n"],
  ["ms b 1 MA C1\r\n!\r\n", "NS\r\n"],
]);

transcript("c0 when nothing is stored", [
  ["ms a 3 MR c k\r\nred\r\n", "NS c0 ka\r\n"],
  ["ms a 3 C5 c k\r\nred\r\n", "NF c0 ka\r\n"],
]);

transcript("E sets the CAS", [
  [
    "ms a 3 E4321 c\r\nred\r\n",
    "HD c4321\r\n",
    oracle18(INVALID_FLAG, "explicit CAS is not known"),
  ],
  ["mg a c\r\n", "HD c4321\r\n", oracle18("EN\r\n", "explicit CAS is not known")],
  [
    "ms a 3 C4321 E18446744073709551615 c\r\nred\r\n",
    "HD c18446744073709551615\r\n",
    oracle18(INVALID_FLAG, "explicit CAS is not known"),
  ],
]);

transcript("I with a lower CAS stores, marks stale and keeps the token", [
  ["ms a 3 c\r\nred\r\n", "HD c{cas}\r\n"],
  ["ms a 3 c\r\nnew\r\n", "HD c{new}\r\n"],
  ["ms a 3 I C{cas}\r\nold\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 3 X W\r\nold\r\n"],
  ["mg a v\r\n", "VA 3 Z X\r\nold\r\n"],
  ["ms a 3 I C18446744073709551615\r\nfar\r\n", "EX\r\n"],
  ["ms a 3 I\r\nbye\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 3\r\nbye\r\n"],
]);

transcript("I with the equal CAS is a normal store", [
  ["ms a 3 c\r\nred\r\n", "HD c{cas}\r\n"],
  ["ms a 3 I C{cas}\r\nnew\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 3\r\nnew\r\n"],
]);

transcript("datalen", [
  ["ms\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["ms a\r\n", BAD_FORMAT],
  ["ms a x\r\n", BAD_FORMAT],
  ["ms a -1\r\n", BAD_FORMAT],
  ["ms a 2147483646\r\n", BAD_FORMAT],
  ["ms a S3\r\n", BAD_FORMAT],
  ["ms a 3 S3\r\nred\r\n", INVALID_FLAG],
  ["mg a\r\n", "EN\r\n"],
]);

transcript("a wrong line with a good datalen consumes its block", [
  ["ms a 3 s s\r\nred\r\nmn\r\n", "CLIENT_ERROR duplicate flag\r\nMN\r\n"],
  ["ms a 3 S\r\nred\r\nmn\r\n", `${INVALID_FLAG}MN\r\n`],
  ["ms a 3 Tx\r\nred\r\nmn\r\n", `${BAD_TOKEN}MN\r\n`],
  ["ms a 3 T\r\nred\r\nmn\r\n", `${BAD_TOKEN}MN\r\n`],
  ["ms a 3 Cx\r\nred\r\nmn\r\n", `${BAD_TOKEN}MN\r\n`],
  ["ms a 3 Fx\r\nred\r\nmn\r\n", `${BAD_FORMAT}MN\r\n`],
  ["ms a 3 F\r\nred\r\nmn\r\n", `${BAD_FORMAT}MN\r\n`],
  [
    "ms a 3 F4294967296\r\nred\r\nmn\r\n",
    `${BAD_FORMAT}MN\r\n`,
    oracle18("HD\r\nMN\r\n", "client flags are kept modulo 2^32"),
  ],
  [`ms a 3 O${"x".repeat(32)}\r\nred\r\nmn\r\n`, "CLIENT_ERROR opaque token too long\r\nMN\r\n"],
  ["ms !!! 3 b\r\nred\r\nmn\r\n", "CLIENT_ERROR error decoding key\r\nMN\r\n"],
  ["ms b 3 MX q\r\nred\r\nmn\r\n", "CLIENT_ERROR invalid mode for ms M token\r\nMN\r\n"],
]);

transcript("a key over 250 bytes consumes its block", [
  [
    `ms ${"k".repeat(251)} 3\r\nred\r\nmn\r\n`,
    `${BAD_FORMAT}MN\r\n`,
    oracle18(`${BAD_FORMAT}ERROR\r\nMN\r\n`, "the block is read as a command"),
  ],
]);

transcript("an illegal first byte of a flag does not consume the block", [
  [
    "ms a 3 !\r\nred\r\nmn\r\n",
    `${BAD_FORMAT}ERROR\r\nMN\r\n`,
    oracle18(`${INVALID_FLAG}MN\r\n`, "an illegal flag byte is an invalid flag"),
  ],
]);

transcript("a block without its line end", [
  [
    "ms a 3\r\nredd\r\n",
    `${BAD_CHUNK}${BAD_FORMAT}`,
    oracle18(`${BAD_CHUNK}ERROR\r\n`, "short lines"),
  ],
  ["mg a\r\n", "EN\r\n"],
]);

transcript("too large: refused after its last byte, the old item deleted in every mode", [
  ["ms a 3\r\nred\r\n", "HD\r\n"],
  [`ms a 1048576\r\n${"x".repeat(1_048_576)}\r\n`, TOO_LARGE],
  ["mg a\r\n", "EN\r\n"],
  ["ms a 3\r\nred\r\n", "HD\r\n"],
  [`ms a 1048576 ME q\r\n${"x".repeat(1_048_576)}\r\n`, TOO_LARGE],
  ["mg a\r\n", "EN\r\n"],
]);

const TOO_MANY = oracle18(
  "CLIENT_ERROR options flags too long\r\nERROR\r\n",
  "one flag fewer fits, and the block is read as a command",
);

transcript("17 flags fit, 18 do not", [
  ["ms a 1 c f h k l O s t u v P L I D1 J1 F1 T0\r\nA\r\n", "HD c{cas} ka O s1\r\n", TOO_MANY],
  [
    "ms a 1 c f h k l O s t u v P L I D1 J1 F1 T0 R1\r\nA\r\n",
    "CLIENT_ERROR options flags are too long\r\n",
    TOO_MANY,
  ],
]);

transcript("a pipeline of quiet stores, closed by mn", [
  [
    `${Array.from({ length: 100 }, (_, index) => `ms k${index} 2 q\r\n${10 + (index % 90)}\r\n`).join("")}mn\r\n`,
    "MN\r\n",
  ],
  ["mg k42 v\r\nmg k99 v\r\n", "VA 2\r\n52\r\nVA 2\r\n19\r\n"],
]);

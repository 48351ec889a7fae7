/** md, ma, mn, me. */
import { oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";
const BAD_TOKEN = "CLIENT_ERROR bad token in command line format\r\n";
const INVALID_FLAG = "CLIENT_ERROR invalid flag\r\n";
const INVALID_OR_DUPLICATE = "CLIENT_ERROR invalid or duplicate flag\r\n";
const NON_NUMERIC = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
const VAGUE = oracle18(INVALID_OR_DUPLICATE, "md has one message for all");

transcript("md deletes, once", [
  ["md a\r\n", "NF\r\n"],
  ["ms a 1\r\nA\r\n", "HD\r\n"],
  ["md a\r\n", "HD\r\n"],
  ["md a\r\n", "NF\r\n"],
  ["mg a\r\n", "EN\r\n"],
]);

transcript("md returns k and O with every code", [
  ["md a k Ox\r\n", "NF ka Ox\r\n"],
  ["ms a 1\r\nA\r\n", "HD\r\n"],
  ["md a C1 Ox k\r\n", "EX Ox ka\r\n"],
  ["md a Ox k\r\n", "HD Ox ka\r\n"],
]);

transcript("md C compares, C0 is never equal", [
  ["ms a 1 c\r\nA\r\n", "HD c{cas}\r\n"],
  ["md a C1\r\n", "EX\r\n"],
  ["md a C0\r\n", "EX\r\n"],
  ["md b C1\r\n", "NF\r\n"],
  ["md a C{cas}\r\n", "HD\r\n"],
]);

transcript("md q hides HD and nothing else", [
  ["md a q\r\nmn\r\n", "NF\r\nMN\r\n"],
  ["ms a 1\r\nA\r\n", "HD\r\n"],
  ["md a q C1\r\nmn\r\n", "EX\r\nMN\r\n"],
  ["md a q\r\nmn\r\n", "MN\r\n"],
  ["mg a\r\n", "EN\r\n"],
]);

transcript("md I marks stale, gives a new CAS and the token back", [
  ["ms a 1 c\r\nA\r\n", "HD c{cas}\r\n"],
  ["md a I\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 1 X W\r\nA\r\n"],
  ["mg a v\r\n", "VA 1 Z X\r\nA\r\n"],
  ["md a I\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 1 X W\r\nA\r\n"],
  ["ms a 1 C{cas}\r\nB\r\n", "EX\r\n"],
  ["md b I\r\n", "NF\r\n"],
]);

transcript("md I with T sets the TTL, T alone does nothing", [
  ["ms a 1\r\nA\r\n", "HD\r\n"],
  ["md a I T-1\r\n", "HD\r\n"],
  ["mg a\r\n", "EN\r\n"],
  ["ms a 1\r\nA\r\n", "HD\r\n"],
  ["md a T30\r\n", "HD\r\n"],
  ["mg a\r\n", "EN\r\n"],
]);

transcript("md with b", [
  ["ms Zm9v 3 b\r\nbar\r\n", "HD\r\n"],
  ["md Zm9v b k\r\n", "HD kZm9v b\r\n"],
  ["get foo\r\n", "END\r\n"],
]);

transcript("md x empties the item", [
  ["ms a 3 F5 T100 c\r\nred\r\n", "HD c{cas}\r\n"],
  ["md a x\r\n", "HD\r\n", oracle18(INVALID_OR_DUPLICATE, "x is not known")],
  [
    "mg a v f t c\r\n",
    "VA 0 f0 t-1 c{cas}\r\n\r\n",
    oracle18("VA 3 f5 {*t} c{cas}\r\nred\r\n", "x is not known"),
  ],
  ["md a x F7 E99 I\r\n", "HD\r\n", oracle18(INVALID_OR_DUPLICATE, "x is not known")],
  [
    "mg a v f c\r\n",
    "VA 0 f7 c99 X W\r\n\r\n",
    oracle18("VA 3 f5 c{cas}\r\nred\r\n", "x is not known"),
  ],
]);

transcript("md errors", [
  ["md\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  [`md ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  ["md a S\r\n", INVALID_FLAG, VAGUE],
  ["md a q q\r\n", "CLIENT_ERROR duplicate flag\r\n", VAGUE],
  ["md a Tx\r\n", BAD_TOKEN, VAGUE],
  ["md a Cx\r\n", BAD_TOKEN, VAGUE],
  [`md a O${"x".repeat(32)}\r\n`, "CLIENT_ERROR opaque token too long\r\n"],
  ["md !!! b\r\n", "CLIENT_ERROR error decoding key\r\n", VAGUE],
]);

transcript("ma counts up by one", [
  ["ma n\r\n", "NF\r\n"],
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["ma n\r\n", "HD\r\n"],
  ["ma n v\r\n", "VA 1\r\n7\r\n"],
  ["get n\r\n", "VALUE n 0 1\r\n7\r\nEND\r\n"],
]);

transcript("ma D and M", [
  ["set n 0 0 2\r\n10\r\n", "STORED\r\n"],
  ["ma n D5 v\r\n", "VA 2\r\n15\r\n"],
  ["ma n MI D5 v\r\n", "VA 2\r\n20\r\n"],
  ["ma n M+ D5 v\r\n", "VA 2\r\n25\r\n"],
  ["ma n MD D5 v\r\n", "VA 2\r\n20\r\n"],
  ["ma n M- D15 v\r\n", "VA 1\r\n5\r\n"],
  ["ma n MD D15 v\r\n", "VA 1\r\n0\r\n"],
  ["get n\r\n", "VALUE n 0 2\r\n0 \r\nEND\r\n"],
  ["ma n D18446744073709551615 v\r\n", "VA 20\r\n18446744073709551615\r\n"],
  ["ma n v\r\n", "VA 1\r\n0\r\n"],
]);

transcript("ma N and J create on a miss", [
  ["ma n N0 v t\r\n", "VA 1 t-1\r\n0\r\n"],
  ["ma n N0 v\r\n", "VA 1\r\n1\r\n"],
  ["ma m N0 J13 v k Ox\r\n", "VA 2 km Ox\r\n13\r\n"],
  ["ma m N0 J13 v\r\n", "VA 2\r\n14\r\n"],
  ["ma x J13\r\n", "NF\r\n"],
  ["get m\r\n", "VALUE m 0 2\r\n14\r\nEND\r\n"],
]);

transcript("ma returns c, t, k, O", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["ma n c t k Ox\r\n", "HD c{cas} t-1 kn Ox\r\n"],
  ["mg n c\r\n", "HD c{cas}\r\n"],
  ["ma n Ox k v t\r\n", "VA 1 Ox kn t-1\r\n7\r\n"],
  ["ma absent Ox k\r\n", "NF Ox kabsent\r\n"],
  ["ma n C1 k Ox\r\n", "EX kn Ox\r\n"],
]);

transcript("ma T sets the TTL", [
  ["set n 0 100 1\r\n5\r\n", "STORED\r\n"],
  ["ma n T0 t\r\n", "HD t-1\r\n"],
  ["mg n t\r\n", "HD t-1\r\n"],
]);

transcript("ma C compares, C0 does not", [
  ["ms n 1 c\r\n5\r\n", "HD c{cas}\r\n"],
  ["ma n C1\r\n", "EX\r\n"],
  ["ma n C{cas} v\r\n", "VA 1\r\n6\r\n"],
  ["ma n C{cas} v\r\n", "EX\r\n"],
  ["ma n C0 v\r\n", "VA 1\r\n7\r\n"],
]);

transcript("ma E sets the CAS", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["ma n E777 c\r\n", "HD c777\r\n", oracle18(INVALID_OR_DUPLICATE, "explicit CAS is not known")],
  [
    "mg n c v\r\n",
    "VA 1 c777\r\n6\r\n",
    oracle18("VA 1 c{cas}\r\n5\r\n", "explicit CAS is not known"),
  ],
]);

transcript("ma q hides success, also with v", [
  ["set n 0 0 1\r\n5\r\n", "STORED\r\n"],
  ["ma n q\r\nmn\r\n", "MN\r\n"],
  ["ma n q v\r\nmn\r\n", "MN\r\n"],
  ["ma absent q\r\nmn\r\n", "NF\r\nMN\r\n"],
  ["ma n q C1\r\nmn\r\n", "EX\r\nMN\r\n"],
  ["ma n v\r\n", "VA 1\r\n8\r\n"],
]);

transcript("counting in place leaves a stale item stale, and its token where it is", [
  ["set a 0 0 2\r\n90\r\n", "STORED\r\n"],
  ["md a I\r\n", "HD\r\n"],
  ["incr a 1\r\n", "91\r\n"],
  ["ma a\r\n", "HD\r\n"],
  ["mg a v\r\n", "VA 2 X W\r\n92\r\n"],
  ["decr a 90\r\n", "2\r\n"],
  ["mg a v\r\n", "VA 2 Z X\r\n2 \r\n"],
  ["incr a 98\r\n", "100\r\n"],
  ["mg a v\r\n", "VA 3\r\n100\r\n"],
]);

transcript("ma of what is no number", [
  ["set n 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["ma n\r\n", NON_NUMERIC],
  ["ma n q v\r\n", NON_NUMERIC],
]);

transcript("ma has one message for every scanner error", [
  ["ma\r\n", BAD_FORMAT, oracle18("ERROR\r\n", "too few tokens are ERROR")],
  ["ma n S\r\n", INVALID_OR_DUPLICATE],
  ["ma n q q\r\n", INVALID_OR_DUPLICATE],
  ["ma n D\r\n", INVALID_OR_DUPLICATE],
  ["ma n Dx\r\n", INVALID_OR_DUPLICATE],
  ["ma n J-1\r\n", INVALID_OR_DUPLICATE],
  ["ma n Tx\r\n", INVALID_OR_DUPLICATE],
  ["ma n N\r\n", INVALID_OR_DUPLICATE],
  ["ma !!! b\r\n", INVALID_OR_DUPLICATE],
  [
    `ma n O${"x".repeat(32)}\r\n`,
    INVALID_OR_DUPLICATE,
    oracle18("CLIENT_ERROR opaque token too long\r\n", "the opaque is looked at after the flags"),
  ],
  ["ma n MX\r\n", "CLIENT_ERROR invalid mode for ma M token\r\n"],
  ["ma n Mi\r\n", "CLIENT_ERROR invalid mode for ma M token\r\n"],
]);

transcript("ma with a long key", [
  [
    `ma ${"k".repeat(251)}\r\n`,
    INVALID_OR_DUPLICATE,
    oracle18(BAD_FORMAT, "the key is looked at before the flags"),
  ],
]);

transcript("ma with b", [
  ["ma Zm9v b N0 J5 v k\r\n", "VA 1 kZm9v b\r\n5\r\n"],
  ["incr foo 1\r\n", "6\r\n"],
]);

transcript("ma q hides success, and not that the item was created", [
  ["ma n q N0 J5\r\n", "HD\r\n"],
  ["ma n q N0 J5\r\n", ""],
  ["ma n q v\r\n", ""],
  ["ma m q v N0 J5 k\r\n", "VA 1 km\r\n5\r\n"],
  ["ma n v\r\n", "VA 1\r\n8\r\n"],
]);

for (const [flags, shown, stored] of [
  ["t N1000", "t-1", "t{=1000}"],
  ["N1000 t", "t{=1000}", "t{=1000}"],
  ["N1000 t T0", "t{=1000}", "t-1"],
  ["T0 N1000", "", "t{=1000}"],
  ["t T1000 N0", "t-1", "t-1"],
  ["N0 T1000 t", "t{=1000}", "t{=1000}"],
] as const) {
  const show = (text: string, name: string) => text.replace("{=1000}", `{${name}}`);
  transcript(`ma ${flags}: from left to right on a new item, too`, [
    [`ma n ${flags}\r\n`, `HD${shown === "" ? "" : ` ${show(shown, "a")}`}\r\n`],
    ["mg n t\r\n", `HD ${show(stored, "b")}\r\n`],
  ]);
}

transcript("mn answers MN, whatever stands behind it", [
  ["mn\r\n", "MN\r\n"],
  ["mn q k\r\n", "MN\r\n"],
  ["mn\r\nmn\r\nmn\r\n", "MN\r\nMN\r\nMN\r\n"],
]);

transcript("me of an absent key", [
  ["me a\r\n", "EN\r\n"],
  [`me ${"k".repeat(251)}\r\n`, BAD_FORMAT],
  ["me\r\n", BAD_FORMAT],
]);

transcript("me describes an item, and is no access", [
  ["set apple 0 0 3\r\nred\r\n", "STORED\r\n"],
  ["mg apple c u\r\n", "HD c{cas}\r\n"],
  ["me apple\r\n", "ME apple exp=-1 la={*la} cas={cas} fetch=no cls={*c} size={*s}\r\n"],
  ["me apple\r\n", "ME apple exp=-1 la={*la} cas={cas} fetch=no cls={*c} size={*s}\r\n"],
  ["get apple\r\n", "VALUE apple 0 3\r\nred\r\nEND\r\n"],
  ["me apple\r\n", "ME apple exp=-1 la={*la} cas={cas} fetch=yes cls={*c} size={*s}\r\n"],
]);

transcript(
  "me's size is the item's total: 48, key and NUL, CAS, flags if any, value and line end",
  [
    ["set apple 0 0 3\r\nred\r\n", "STORED\r\n"],
    ["me apple\r\n", "ME apple exp=-1 la={*la} cas={c} fetch=no cls={*c} size=67\r\n"],
    ["set pear 9 0 5\r\ngreen\r\n", "STORED\r\n"],
    ["me pear\r\n", "ME pear exp=-1 la={*la} cas={d} fetch=no cls={*c} size=72\r\n"],
  ],
);

/**
 * Binary packets that are wrong, unknown or out of place: what is answered, what closes the
 * connection.
 */
import {
  BinaryStatus,
  Opcode,
  packet,
  response,
  responses,
  storeExtras,
  uint32,
} from "../support/binary-packets.ts";
import { closes, oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const { invalid: INVALID, notFound } = BinaryStatus;

for (const opcode of [Opcode.verbosity, 0x1f, 0x25, 0x30, 0x3c, 0x77, 0xff]) {
  transcript(`opcode 0x${opcode.toString(16)} is unknown`, [
    [
      packet({ opcode, opaque: 9 }),
      response({ opcode, status: BinaryStatus.unknownCommand, opaque: 9 }),
    ],
  ]);
}

transcript("SASL opcodes without -S are unknown", [
  [
    packet({ opcode: Opcode.saslList }),
    response({ opcode: Opcode.saslList, status: BinaryStatus.unknownCommand }),
  ],
]);

transcript("data type and vbucket are not looked at", [
  [
    packet({ opcode: Opcode.noop, dataType: 9, vbucket: 0x1234 }),
    response({ opcode: Opcode.noop }),
  ],
]);

for (const [what, fields] of [
  ["Get without a key", { opcode: Opcode.get }],
  ["Get with extras", { opcode: Opcode.get, key: "a", extras: uint32(0) }],
  ["Get with a value", { opcode: Opcode.get, key: "a", value: "x" }],
  ["Set without extras", { opcode: Opcode.set, key: "a", value: "x" }],
  ["Set with short extras", { opcode: Opcode.set, key: "a", extras: uint32(0) }],
  ["Set without a key", { opcode: Opcode.set, extras: storeExtras(0, 0) }],
  ["Delete without a key", { opcode: Opcode.delete }],
  ["Delete with extras", { opcode: Opcode.delete, key: "a", extras: uint32(0) }],
  ["Increment without extras", { opcode: Opcode.increment, key: "n" }],
  ["Increment with short extras", { opcode: Opcode.increment, key: "n", extras: uint32(1) }],
  ["Append with extras", { opcode: Opcode.append, key: "a", extras: uint32(0), value: "x" }],
  ["Append without a key", { opcode: Opcode.append, value: "x" }],
  ["No-op with a body", { opcode: Opcode.noop, value: "x" }],
  ["No-op with a key", { opcode: Opcode.noop, key: "x" }],
  ["Version with a key", { opcode: Opcode.version, key: "x" }],
  ["Quit with a key", { opcode: Opcode.quit, key: "x" }],
  ["Flush with a key", { opcode: Opcode.flush, key: "x" }],
  ["Flush with odd extras", { opcode: Opcode.flush, extras: uint32(0).subarray(0, 3) }],
  ["Touch without extras", { opcode: Opcode.touch, key: "a" }],
  ["GAT without a key", { opcode: Opcode.gat, extras: uint32(0) }],
] as const) {
  transcript(`${what}: Invalid arguments, then closed`, [
    [packet(fields), closes(response({ opcode: fields.opcode, status: INVALID }))],
  ]);
}

transcript(
  "a key of 251 bytes: Invalid arguments, then closed",
  [
    [
      packet({ opcode: Opcode.get, key: "k".repeat(251) }),
      closes(response({ opcode: Opcode.get, status: INVALID })),
    ],
  ],
  // In one piece: what arrives after the close makes a reset, which may overtake the answer.
  { fragments: [65_536] },
);

transcript("key and extras longer than the body: Unknown command, then closed", [
  [
    packet({ opcode: Opcode.get, key: "abc", bodyBytes: 2 }),
    closes(response({ opcode: Opcode.get, status: BinaryStatus.unknownCommand })),
  ],
]);

transcript("another magic later in the stream closes in silence", [
  [packet({ opcode: Opcode.noop }), response({ opcode: Opcode.noop })],
  [`get a\r\n${"x".repeat(24)}`, closes()],
]);

transcript("a response's magic later in the stream closes in silence", [
  [packet({ opcode: Opcode.noop }), response({ opcode: Opcode.noop })],
  [packet({ magic: 0x81, opcode: Opcode.noop }), closes()],
]);

transcript("a first byte of 0x81 is an ASCII line", [
  [
    "\x81\x0a",
    "CLIENT_ERROR bad command line format\r\n",
    oracle18("ERROR\r\n", "short lines are ERROR"),
  ],
]);

transcript("Stat: unknown names are not found", [
  [
    packet({ opcode: Opcode.stat, key: "bogus" }),
    response({ opcode: Opcode.stat, status: notFound }),
  ],
  [
    packet({ opcode: Opcode.stat, key: "conns" }),
    response({ opcode: Opcode.stat, status: notFound }),
  ],
  [packet({ opcode: Opcode.stat, key: "reset" }), response({ opcode: Opcode.stat })],
]);

const stat = (key: string) => packet({ opcode: Opcode.stat, key });
const statEnd = response({ opcode: Opcode.stat });
const noStat = response({ opcode: Opcode.stat, status: notFound });

transcript("Stat: reset, settings and detail are known by how the key begins, others whole", [
  [stat("resetfoo"), statEnd],
  [stat("reset x"), statEnd],
  [stat("detail on and on"), statEnd],
  [stat("detail offside"), statEnd],
  ...[
    ...["rese", "detail foo", "detaildump", "detail  dump", "DETAIL on"],
    ...["sizesx", "slabsx", "sizes x", " items", " ", "extstore", "cachedump 1 1"],
  ].map((key) => [stat(key), noStat] as const),
]);

transcript("Stat: detail dump is one statistic that holds the text", [
  [stat("detail on"), statEnd],
  [stat("reset"), statEnd],
  [packet({ opcode: Opcode.getQ, key: "user:1" }), ""],
  [
    stat("detail dump"),
    responses(
      {
        opcode: Opcode.stat,
        key: "detailed",
        value: "PREFIX user get 1 hit 0 set 0 del 0\r\nEND\r\n",
      },
      { opcode: Opcode.stat },
    ),
  ],
  [stat("detail off"), statEnd],
]);

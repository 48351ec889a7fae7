/** The binary protocol: every opcode with its quiet twin, statuses, CAS, malformed packets. */
import {
  BinaryStatus,
  hitFields,
  Opcode,
  packet,
  response,
  responses,
  setPacket,
  storeExtras,
  uint32,
  withCas,
} from "../support/binary-packets.ts";
import { closes, oracle18, transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const FAR = 0xffffffff;

const { notFound, exists, notStored } = BinaryStatus;

transcript("Set stores, Get gives it back, opaque and CAS included", [
  [
    packet({
      opcode: Opcode.set,
      key: "a",
      value: "red",
      extras: storeExtras(0xdeadbeef, 0),
      opaque: 7,
    }),
    response({ opcode: Opcode.set, opaque: 7, cas: "cas" }),
  ],
  [
    packet({ opcode: Opcode.get, key: "a", opaque: 0xffffffff }),
    response(hitFields("red", 0xdeadbeef, { opaque: 0xffffffff })),
  ],
]);

transcript("Get of an absent key", [
  [packet({ opcode: Opcode.get, key: "a" }), response({ opcode: Opcode.get, status: notFound })],
  [
    packet({ opcode: Opcode.getK, key: "a" }),
    response({ opcode: Opcode.getK, status: notFound, key: "a", value: "" }),
  ],
]);

transcript("GetK repeats the key", [
  [setPacket("apple", "red", 5), response({ opcode: Opcode.set, cas: "cas" })],
  [
    packet({ opcode: Opcode.getK, key: "apple" }),
    response(hitFields("red", 5, { opcode: Opcode.getK, key: "apple" })),
  ],
]);

transcript("GetQ and GetKQ are silent on a miss and answer a hit", [
  [
    Buffer.concat([
      packet({ opcode: Opcode.getQ, key: "a", opaque: 1 }),
      packet({ opcode: Opcode.getKQ, key: "a", opaque: 2 }),
      setPacket("a", "red", 5),
      packet({ opcode: Opcode.getQ, key: "a", opaque: 3 }),
      packet({ opcode: Opcode.getQ, key: "b", opaque: 4 }),
      packet({ opcode: Opcode.getKQ, key: "a", opaque: 5 }),
      packet({ opcode: Opcode.noop, opaque: 6 }),
    ]),
    responses(
      { opcode: Opcode.set, cas: "cas" },
      hitFields("red", 5, { opcode: Opcode.getQ, opaque: 3 }),
      hitFields("red", 5, { opcode: Opcode.getKQ, key: "a", opaque: 5 }),
      { opcode: Opcode.noop, opaque: 6 },
    ),
  ],
]);

transcript("Add stores only what is absent, Replace only what is present", [
  [
    setPacket("a", "new", 0, Opcode.replace),
    response({ opcode: Opcode.replace, status: notFound }),
  ],
  [setPacket("a", "red", 1, Opcode.add), response({ opcode: Opcode.add, cas: "one" })],
  [setPacket("a", "new", 2, Opcode.add), response({ opcode: Opcode.add, status: exists })],
  [setPacket("a", "new", 3, Opcode.replace), response({ opcode: Opcode.replace, cas: "cas" })],
  [packet({ opcode: Opcode.get, key: "a" }), response(hitFields("new", 3))],
]);

transcript("a CAS makes Set, Add and Replace compare", [
  [
    packet({ opcode: Opcode.set, key: "a", value: "x", extras: storeExtras(0, 0), cas: 5n }),
    response({ opcode: Opcode.set, status: notFound }),
  ],
  [setPacket("a", "red"), response({ opcode: Opcode.set, cas: "one" })],
  [
    withCas("one", { opcode: Opcode.set, key: "a", value: "two", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.set, cas: "two" }),
  ],
  [
    withCas("one", { opcode: Opcode.set, key: "a", value: "bad", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.set, status: exists }),
  ],
  [
    withCas("one", { opcode: Opcode.replace, key: "a", value: "bad", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.replace, status: exists }),
  ],
  [
    withCas("two", { opcode: Opcode.replace, key: "a", value: "three", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.replace, cas: "three" }),
  ],
  [
    withCas("three", { opcode: Opcode.add, key: "b", value: "x", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.add, status: notFound }),
  ],
  [packet({ opcode: Opcode.get, key: "a" }), response(hitFields("three"))],
]);

transcript("SetQ, AddQ, ReplaceQ are silent on success and answer failures", [
  [
    Buffer.concat([
      setPacket("a", "red", 0, Opcode.setQ),
      setPacket("a", "new", 0, Opcode.addQ),
      setPacket("b", "new", 0, Opcode.replaceQ),
      setPacket("b", "new", 0, Opcode.addQ),
      setPacket("b", "newer", 0, Opcode.replaceQ),
      packet({ opcode: Opcode.get, key: "b" }),
    ]),
    responses(
      { opcode: Opcode.addQ, status: exists },
      { opcode: Opcode.replaceQ, status: notFound },
      hitFields("newer"),
    ),
  ],
]);

transcript("Delete and DeleteQ", [
  [
    packet({ opcode: Opcode.delete, key: "a" }),
    response({ opcode: Opcode.delete, status: notFound }),
  ],
  [setPacket("a", "red"), response({ opcode: Opcode.set, cas: "one" })],
  [
    packet({ opcode: Opcode.delete, key: "a", cas: 0x7fffffffffffffffn }),
    response({ opcode: Opcode.delete, status: exists }),
  ],
  [withCas("one", { opcode: Opcode.delete, key: "a" }), response({ opcode: Opcode.delete })],
  [
    Buffer.concat([
      setPacket("a", "red", 0, Opcode.setQ),
      packet({ opcode: Opcode.deleteQ, key: "a" }),
      packet({ opcode: Opcode.deleteQ, key: "a", opaque: 2 }),
    ]),
    response({ opcode: Opcode.deleteQ, status: notFound, opaque: 2 }),
  ],
]);

transcript("Append and Prepend join, and miss with Not stored", [
  [
    packet({ opcode: Opcode.append, key: "a", value: "x" }),
    response({ opcode: Opcode.append, status: notStored }),
  ],
  [
    packet({ opcode: Opcode.prepend, key: "a", value: "x" }),
    response({ opcode: Opcode.prepend, status: notStored }),
  ],
  [setPacket("a", "red", 5), response({ opcode: Opcode.set, cas: "one" })],
  [
    packet({ opcode: Opcode.append, key: "a", value: "-tail" }),
    response({ opcode: Opcode.append, cas: "two" }),
  ],
  [
    withCas("two", { opcode: Opcode.prepend, key: "a", value: "head-" }),
    response({ opcode: Opcode.prepend, cas: "three" }),
  ],
  [
    withCas("one", { opcode: Opcode.append, key: "a", value: "!" }),
    response({ opcode: Opcode.append, status: exists }),
  ],
  [
    Buffer.concat([
      packet({ opcode: Opcode.appendQ, key: "a", value: "2" }),
      packet({ opcode: Opcode.prependQ, key: "a", value: "1" }),
      packet({ opcode: Opcode.appendQ, key: "b", value: "x" }),
      packet({ opcode: Opcode.prependQ, key: "b", value: "x" }),
      packet({ opcode: Opcode.get, key: "a" }),
    ]),
    responses(
      { opcode: Opcode.appendQ, status: notStored },
      { opcode: Opcode.prependQ, status: notStored },
      hitFields("1head-red-tail2", 5),
    ),
  ],
]);

transcript("Touch, GAT, GATQ, GATK, GATKQ", [
  [
    packet({ opcode: Opcode.touch, key: "a", extras: uint32(0) }),
    response({ opcode: Opcode.touch, status: notFound }),
  ],
  [
    packet({ opcode: Opcode.gat, key: "a", extras: uint32(0) }),
    response({ opcode: Opcode.gat, status: notFound }),
  ],
  [
    packet({ opcode: Opcode.gatK, key: "a", extras: uint32(0) }),
    response({ opcode: Opcode.gatK, status: notFound, key: "a", value: "" }),
  ],
  [setPacket("a", "red", 5), response({ opcode: Opcode.set, cas: "cas" })],
  [
    packet({ opcode: Opcode.touch, key: "a", extras: uint32(100) }),
    response({ opcode: Opcode.touch, extras: uint32(5), cas: "cas" }),
  ],
  [
    packet({ opcode: Opcode.gat, key: "a", extras: uint32(0) }),
    response(hitFields("red", 5, { opcode: Opcode.gat })),
  ],
  [
    packet({ opcode: Opcode.gatK, key: "a", extras: uint32(FAR) }),
    response(hitFields("red", 5, { opcode: Opcode.gatK, key: "a" })),
  ],
  [
    Buffer.concat([
      packet({ opcode: Opcode.gatQ, key: "b", extras: uint32(0) }),
      packet({ opcode: Opcode.gatKQ, key: "b", extras: uint32(0) }),
      packet({ opcode: Opcode.gatQ, key: "a", extras: uint32(0) }),
      packet({ opcode: Opcode.gatKQ, key: "a", extras: uint32(0) }),
    ]),
    responses(
      hitFields("red", 5, { opcode: Opcode.gatQ }),
      hitFields("red", 5, { opcode: Opcode.gatKQ, key: "a" }),
    ),
  ],
]);

transcript("Flush and FlushQ", [
  [setPacket("a", "red"), response({ opcode: Opcode.set, cas: "one" })],
  [packet({ opcode: Opcode.flush }), response({ opcode: Opcode.flush })],
  [packet({ opcode: Opcode.get, key: "a" }), response({ opcode: Opcode.get, status: notFound })],
  [setPacket("a", "red"), response({ opcode: Opcode.set, cas: "two" })],
  [packet({ opcode: Opcode.flush, extras: uint32(0) }), response({ opcode: Opcode.flush })],
  [packet({ opcode: Opcode.get, key: "a" }), response({ opcode: Opcode.get, status: notFound })],
  [
    Buffer.concat([
      setPacket("a", "red", 0, Opcode.setQ),
      packet({ opcode: Opcode.flushQ }),
      packet({ opcode: Opcode.get, key: "a" }),
    ]),
    response({ opcode: Opcode.get, status: notFound }),
  ],
]);

transcript("No-op and Version", [
  [
    packet({ opcode: Opcode.noop, opaque: 0x01020304 }),
    response({ opcode: Opcode.noop, opaque: 0x01020304 }),
  ],
  [
    packet({ opcode: Opcode.version }),
    response({ opcode: Opcode.version, value: "1.6.45" }),
    oracle18(response({ opcode: Opcode.version, value: "1.6.18" }), "its own version"),
  ],
]);

transcript("Quit answers and closes", [
  [
    Buffer.concat([packet({ opcode: Opcode.quit, opaque: 3 }), packet({ opcode: Opcode.noop })]),
    closes(response({ opcode: Opcode.quit, opaque: 3 })),
  ],
]);

transcript("QuitQ closes in silence, after what came before", [
  [
    Buffer.concat([
      packet({ opcode: Opcode.noop, opaque: 1 }),
      packet({ opcode: Opcode.quitQ }),
      packet({ opcode: Opcode.noop }),
    ]),
    closes(response({ opcode: Opcode.noop, opaque: 1 })),
  ],
]);

transcript("keys of any bytes, up to 250", [
  [
    packet({ opcode: Opcode.set, key: "\0 \r\n\x80", value: "v", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.set, cas: "one" }),
  ],
  [packet({ opcode: Opcode.get, key: "\0 \r\n\x80" }), response(hitFields("v"))],
  [
    packet({ opcode: Opcode.getK, key: "k".repeat(250) }),
    response({ opcode: Opcode.getK, status: notFound, key: "k".repeat(250), value: "" }),
  ],
]);

transcript("values of any bytes and sizes", [
  [setPacket("empty", ""), response({ opcode: Opcode.set, cas: "one" })],
  [packet({ opcode: Opcode.get, key: "empty" }), response(hitFields(""))],
  [setPacket("big", "x".repeat(100_000)), response({ opcode: Opcode.set, cas: "two" })],
  [
    packet({ opcode: Opcode.get, key: "big" }),
    response(hitFields("x".repeat(100_000), 0, { cas: "two" })),
  ],
  [setPacket("lines", "\r\n\0END\r\n"), response({ opcode: Opcode.set, cas: "three" })],
  [
    packet({ opcode: Opcode.get, key: "lines" }),
    response(hitFields("\r\n\0END\r\n", 0, { cas: "three" })),
  ],
]);

transcript("a value over the limit: Too large, the old item deleted, the connection goes on", [
  [setPacket("a", "old"), response({ opcode: Opcode.set, cas: "one" })],
  [
    setPacket("a", "x".repeat(1_048_576)),
    response({ opcode: Opcode.set, status: BinaryStatus.tooLarge }),
  ],
  [packet({ opcode: Opcode.get, key: "a" }), response({ opcode: Opcode.get, status: notFound })],
  [
    setPacket("a", "x".repeat(1_048_576), 0, Opcode.addQ),
    response({ opcode: Opcode.addQ, status: BinaryStatus.tooLarge }),
  ],
]);

transcript("a pipeline of many packets is answered in order", [
  [
    Buffer.concat(
      Array.from({ length: 200 }, (_, index) => [
        packet({
          opcode: Opcode.setQ,
          key: `k${index}`,
          value: `${index}`,
          extras: storeExtras(0, 0),
        }),
        packet({ opcode: Opcode.getQ, key: `k${index}`, opaque: index }),
      ]).flat(),
    ),
    responses(
      ...Array.from({ length: 200 }, (_, index) => ({
        opcode: Opcode.getQ,
        extras: uint32(0),
        value: `${index}`,
        opaque: index,
        cas: `cas${index}`,
      })),
    ),
  ],
]);

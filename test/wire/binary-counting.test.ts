/** Binary Increment and Decrement: creation, arithmetic, refusals, quiet forms. */
import {
  arithmeticExtras,
  BinaryStatus,
  hitFields,
  Opcode,
  packet,
  response,
  responses,
  setPacket,
  uint64,
  withCas,
} from "../support/binary-packets.ts";
import { transcriptsOn } from "../support/transcript.ts";

const transcript = transcriptsOn();

const FAR = 0xffffffff;

const { notFound, exists, nonNumeric } = BinaryStatus;

transcript("Increment and Decrement create, count, wrap and stop", [
  [
    packet({ opcode: Opcode.increment, key: "n", extras: arithmeticExtras(1n, 5n, FAR) }),
    response({ opcode: Opcode.increment, status: notFound }),
  ],
  [
    packet({ opcode: Opcode.increment, key: "n", extras: arithmeticExtras(1n, 5n, 0) }),
    response({ opcode: Opcode.increment, value: uint64(5n), cas: "a" }),
  ],
  [
    packet({ opcode: Opcode.increment, key: "n", extras: arithmeticExtras(10n, 0n, 0) }),
    response({ opcode: Opcode.increment, value: uint64(15n), cas: "b" }),
  ],
  [
    packet({ opcode: Opcode.decrement, key: "n", extras: arithmeticExtras(6n, 0n, FAR) }),
    response({ opcode: Opcode.decrement, value: uint64(9n), cas: "c" }),
  ],
  [
    packet({ opcode: Opcode.decrement, key: "n", extras: arithmeticExtras(100n, 0n, 0) }),
    response({ opcode: Opcode.decrement, value: uint64(0n), cas: "d" }),
  ],
  [
    packet({ opcode: Opcode.increment, key: "n", extras: arithmeticExtras(2n ** 64n - 1n, 0n, 0) }),
    response({ opcode: Opcode.increment, value: uint64(2n ** 64n - 1n), cas: "e" }),
  ],
  [
    packet({ opcode: Opcode.increment, key: "n", extras: arithmeticExtras(1n, 0n, 0) }),
    response({ opcode: Opcode.increment, value: uint64(0n), cas: "f" }),
  ],
  [
    packet({ opcode: Opcode.decrement, key: "m", extras: arithmeticExtras(1n, 2n ** 63n, 0) }),
    response({ opcode: Opcode.decrement, value: uint64(2n ** 63n), cas: "g" }),
  ],
  [packet({ opcode: Opcode.get, key: "m" }), response(hitFields(`${2n ** 63n}`))],
]);

transcript("counting what is no number, or with a wrong CAS", [
  [setPacket("n", "red"), response({ opcode: Opcode.set, cas: "one" })],
  [
    packet({ opcode: Opcode.increment, key: "n", extras: arithmeticExtras(1n, 0n, 0) }),
    response({ opcode: Opcode.increment, status: nonNumeric }),
  ],
  [
    packet({ opcode: Opcode.decrementQ, key: "n", extras: arithmeticExtras(1n, 0n, 0) }),
    response({ opcode: Opcode.decrementQ, status: nonNumeric }),
  ],
  [setPacket("n", "5"), response({ opcode: Opcode.set, cas: "two" })],
  [
    packet({
      opcode: Opcode.increment,
      key: "n",
      extras: arithmeticExtras(1n, 0n, 0),
      cas: 0x7fffffffffffffffn,
    }),
    response({ opcode: Opcode.increment, status: exists }),
  ],
  [
    withCas("two", { opcode: Opcode.increment, key: "n", extras: arithmeticExtras(1n, 0n, 0) }),
    response({ opcode: Opcode.increment, value: uint64(6n), cas: "three" }),
  ],
]);

transcript("IncrementQ and DecrementQ", [
  [
    Buffer.concat([
      packet({ opcode: Opcode.incrementQ, key: "n", extras: arithmeticExtras(1n, 41n, 0) }),
      packet({ opcode: Opcode.incrementQ, key: "n", extras: arithmeticExtras(2n, 0n, 0) }),
      packet({ opcode: Opcode.decrementQ, key: "n", extras: arithmeticExtras(1n, 0n, 0) }),
      packet({ opcode: Opcode.incrementQ, key: "m", extras: arithmeticExtras(1n, 0n, FAR) }),
      packet({ opcode: Opcode.get, key: "n" }),
    ]),
    responses({ opcode: Opcode.incrementQ, status: notFound }, hitFields("42")),
  ],
]);

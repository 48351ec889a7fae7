import { describe, expect, test } from "vitest";
import {
  isServersWord,
  udpMessageEnd,
  udpRefusal,
} from "../../../../src/protocol/udp/udp-messages.ts";
import {
  BinaryStatus,
  Opcode,
  type PacketFields,
  packet,
} from "../../../support/binary-packets.ts";

/** A reply packet. */
function packetOf(fields: PacketFields, status = 0): string {
  const bytes = packet(fields);
  bytes[0] = 0x81;
  bytes.writeUInt16BE(status, 6);
  return bytes.toString("latin1");
}

/** A reply cut where its messages end. */
function messagesOf(reply: string): string[] {
  const bytes = Buffer.from(`##${reply}`, "latin1"); // it need not begin where its buffer does
  const messages = [];
  for (let at = 2; at < bytes.length; ) {
    const end = udpMessageEnd(bytes, at, bytes.length);
    messages.push(bytes.toString("latin1", at, end));
    at = end;
  }
  return messages;
}

describe("udpMessageEnd() cuts a reply where memcached's response objects end", () => {
  for (const [name, messages] of [
    ["a line", ["STORED\r\n"]],
    ["two lines", ["STORED\r\n", "NOT_STORED\r\n"]],
    ["a miss", ["END\r\n"]],
    ["a hit and its END", ["VALUE a 0 1\r\nA\r\nEND\r\n"]],
    ["two hits", ["VALUE a 0 1\r\nA\r\n", "VALUE b 0 1 77\r\nB\r\nEND\r\n"]],
    [
      "a value that looks like a reply",
      ["VALUE a 0 5\r\nEND\r\n\r\n", "VALUE b 0 0\r\n\r\nEND\r\n"],
    ],
    ["a get and another reply", ["VALUE a 0 1\r\nA\r\nEND\r\n", "OK\r\n", "END\r\n"]],
    ["meta hits", ["VA 3 f0 s3\r\nV\r\n\r\n", "HD k1\r\n", "EN\r\n", "MN\r\n"]],
    ["statistics", ["STAT a 1\r\nSTAT END 2\r\nEND\r\n", "VERSION 1\r\n"]],
    ["a dump", ["OK\r\n", "key=a exp=-1 \nkey=b exp=-1 \nEND\r\n"]],
    ["a list of keys", ["ITEM a [1 b; 0 s]\r\nEND\r\n"]],
    ["an answer that was cut off", ["VALUE a 0 100\r\nAAAA"]],
    ["a line without its end", ["STOR"]],
  ] as const) {
    test(name, () => {
      expect(messagesOf(messages.join(""))).toEqual(messages);
    });
  }

  test("packets one by one, those of stat together", () => {
    const stat = (key: string, value: string) => packetOf({ opcode: Opcode.stat, key, value });
    const messages = [
      packetOf({ opcode: Opcode.get, extras: Buffer.from("\0\0\0\0"), value: "A" }),
      packetOf({ opcode: Opcode.noop }),
      stat("pid", "1") + stat("uptime", "2") + packetOf({ opcode: Opcode.stat }),
      packetOf({ opcode: Opcode.stat, value: "Not found" }, BinaryStatus.notFound),
      packetOf({ opcode: Opcode.version, value: "1.6.45" }),
    ];
    expect(messagesOf(messages.join(""))).toEqual(messages);
  });
});

describe("isServersWord()", () => {
  for (const [payload, expected] of [
    ["ERROR\r\n", true],
    ["CLIENT_ERROR bad command line format\r\n", true],
    ["SERVER_ERROR reply too large for one datagram\r\n", true],
    ["\x81\n\0\0", true],
    ["get ERROR\r\n", false],
    ["\x80\n\0\0", false],
    ["ERR", false],
  ] as const) {
    test(`${JSON.stringify(payload)}: ${expected}`, () => {
      const bytes = Buffer.from(payload, "latin1");
      expect(isServersWord(bytes, 0, bytes.length)).toBe(expected);
    });
  }
});

describe("udpRefusal()", () => {
  test("is a line for text", () => {
    expect(Buffer.from(udpRefusal(Buffer.from("VALUE a"))).toString()).toBe(
      "SERVER_ERROR reply too large for one datagram\r\n",
    );
  });

  test("is a packet with the reply's opcode and opaque for binary", () => {
    const reply = packetOf({ opcode: Opcode.getK, opaque: 0x12345678, key: "k", value: "v" });
    const refusal = packetOf(
      { opcode: Opcode.getK, opaque: 0x12345678, value: "Too large." },
      BinaryStatus.tooLarge,
    );
    expect(Buffer.from(udpRefusal(Buffer.from(reply, "latin1"))).toString("latin1")).toBe(refusal);
  });
});

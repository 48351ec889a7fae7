import { describe, expect, test } from "vitest";
import {
  udpDatagramCount,
  udpRequestId,
  writeUdpFrame,
} from "../../../../src/protocol/udp/udp-frame.ts";

describe("udpRequestId()", () => {
  for (const [name, datagram, id] of [
    ["a datagram of one", [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0x61], 0x1234],
    ["sequence and reserved are not looked at", [0, 7, 9, 9, 0, 1, 9, 9, 0x61], 7],
    ["no payload", [0, 7, 0, 0, 0, 1, 0, 0], -1],
    ["a part of two", [0, 7, 0, 0, 0, 2, 0, 0, 0x61], -1],
    ["a count of 257", [0, 7, 0, 0, 1, 1, 0, 0, 0x61], -1],
    ["a count of 0", [0, 7, 0, 0, 0, 0, 0, 0, 0x61], -1],
  ] as const) {
    test(`${name} gives ${id}`, () => {
      const bytes = Uint8Array.from([0xff, ...datagram]);
      expect(udpRequestId(bytes, 1, bytes.length)).toBe(id);
    });
  }
});

test("udpDatagramCount() is three for a value of 3000 bytes", () => {
  expect(udpDatagramCount(1392)).toBe(1);
  expect(udpDatagramCount(1393)).toBe(2);
  expect(udpDatagramCount("VALUE k 0 3000\r\n".length + 3000 + "\r\nEND\r\n".length)).toBe(3);
});

test("writeUdpFrame() writes request id, sequence, count and nothing else", () => {
  const out = new Uint8Array(10).fill(0xff);
  expect(writeUdpFrame(out, 1, 0x1234, 0x0102, 0x0304)).toBe(9);
  expect([...out]).toEqual([0xff, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0xff]);
});

/**
 * What understanding a request costs: bytes to a filled Request, keys of 16 bytes, values of 100, a
 * buffer of pipelined requests in shared memory as a connection has them. The aim on a server-class
 * core: get 40 to 60 ns, set 100.
 */
import { assert } from "../../../src/base/assert.ts";
import { Clock } from "../../../src/base/clock.ts";
import { KeyHash } from "../../../src/base/key-hash.ts";
import { BATCH_KEYS_MAX, GetBatch } from "../../../src/command/get-batch.ts";
import { Request } from "../../../src/command/request.ts";
import { GetScanner } from "../../../src/protocol/text/get-scanner.ts";
import { WireParser } from "../../../src/protocol/wire-parser.ts";
import { WireProtocol, WireState } from "../../../src/protocol/wire-state.ts";
import type { MicroBench } from "../micro-bench.ts";
import { WIRE_OPTIONS } from "./wire-options.ts";

const KEYS = 256;
const MARGIN = 32;
const VALUE = "v".repeat(100);

const keyOf = (index: number): string => `user:profile:${100 + index}`;

/** The requests of every key, one behind the other in shared memory, between `MARGIN` bytes. */
function streamOf(requestOf: (key: string) => Uint8Array): Uint8Array {
  const stream = Buffer.concat(Array.from({ length: KEYS }, (_, index) => requestOf(keyOf(index))));
  const bytes = new Uint8Array(new SharedArrayBuffer(stream.length + 2 * MARGIN));
  bytes.set(stream, MARGIN);
  return bytes;
}

/** Scans plain gets in batches, over and over: one iteration is one get. */
function scanning(name: string, requestOf: (key: string) => Uint8Array): MicroBench {
  let bytes: Uint8Array = new Uint8Array(0);
  const scanner = new GetScanner(new KeyHash(1, 2));
  const state = new WireState(WIRE_OPTIONS);
  const batch = new GetBatch();
  return {
    name: `parser: ${name}`,
    iterations: { smoke: KEYS, full: 400_000 },
    prepare() {
      bytes = streamOf(requestOf);
      state.protocol = WireProtocol.text; // which a connection's first byte decides
    },
    run(iterations) {
      const end = bytes.length - MARGIN;
      let at = MARGIN;
      let checksum = 0;
      for (let done = 0; done < iterations; done += batch.count) {
        scanner.scan(state, bytes, at, end, BATCH_KEYS_MAX, batch);
        assert(batch.count > 0, "what is scanned here is plain");
        checksum = (checksum + (batch.lows[0] as number)) | 0;
        at = batch.end === end ? MARGIN : batch.end;
      }
      return checksum;
    },
  };
}

/** Parses a buffer of `requestOf` every key, over and over: one iteration is one request. */
function parsing(name: string, requestOf: (key: string) => Uint8Array): MicroBench {
  let bytes: Uint8Array = new Uint8Array(0);
  const parser = new WireParser(WIRE_OPTIONS, new Clock(1_700_000_000));
  const state = new WireState(WIRE_OPTIONS);
  let request = new Request(bytes);
  return {
    name: `parser: ${name}`,
    iterations: { smoke: KEYS, full: 400_000 },
    prepare() {
      bytes = streamOf(requestOf);
      request = new Request(bytes);
    },
    run(iterations) {
      const end = bytes.length - MARGIN;
      let at = MARGIN;
      let checksum = 0;
      for (let i = 0; i < iterations; i++) {
        const consumed = parser.parse(state, request, bytes, at, end);
        checksum = (checksum + request.op + request.keyEnd - request.keyStart) | 0;
        at += consumed;
        if (at === end) at = MARGIN;
      }
      return checksum;
    },
  };
}

const text = (line: (key: string) => string) => (key: string) => Buffer.from(line(key), "latin1");

/** A binary request: extras as hexadecimal. */
function binary(opcode: number, extras: string, value: string): (key: string) => Uint8Array {
  return (key) => {
    const body = Buffer.concat([Buffer.from(extras, "hex"), Buffer.from(key), Buffer.from(value)]);
    const header = Buffer.alloc(24);
    header[0] = 0x80;
    header[1] = opcode;
    header.writeUInt16BE(key.length, 2);
    header[4] = extras.length / 2;
    header.writeUInt32BE(body.length, 8);
    return Buffer.concat([header, body]);
  };
}

const TEN_KEYS = Array.from({ length: 9 }, (_, index) => keyOf(index)).join(" ");

export default [
  scanning(
    "get, scanned and hashed",
    text((key) => `get ${key}\r\n`),
  ),
  scanning(
    "mg with v, scanned and hashed",
    text((key) => `mg ${key} v\r\n`),
  ),
  parsing(
    "get, the general path",
    text((key) => `get ${key}\r\n`),
  ),
  parsing(
    "get of 10 keys, a key, the general path",
    text((key) => `get ${TEN_KEYS} ${key}\r\n`),
  ),
  parsing(
    "set",
    text((key) => `set ${key} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`),
  ),
  parsing(
    "add, the general path",
    text((key) => `add ${key} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`),
  ),
  parsing(
    "delete",
    text((key) => `delete ${key}\r\n`),
  ),
  parsing(
    "incr",
    text((key) => `incr ${key} 1\r\n`),
  ),
  parsing(
    "mg with seven flags",
    text((key) => `mg ${key} s v t f O1234 k q\r\n`),
  ),
  parsing(
    "ms",
    text((key) => `ms ${key} ${VALUE.length} T300\r\n${VALUE}\r\n`),
  ),
  parsing("binary Get", binary(0x00, "", "")),
  parsing("binary Set", binary(0x01, "0000000000000000", VALUE)),
];

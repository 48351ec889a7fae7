/**
 * What wording a reply costs, value excluded: head and tail of a hit, or the whole of a reply
 * without a value. Also what a hole costs: saving of a request what its reply needs, and restoring
 * it.
 */
import { Clock } from "../../../src/base/clock.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Request } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { ReplyEncoder } from "../../../src/protocol/reply-encoder.ts";
import { WireParser } from "../../../src/protocol/wire-parser.ts";
import { WireState } from "../../../src/protocol/wire-state.ts";
import type { MicroBench } from "../micro-bench.ts";
import { WIRE_OPTIONS } from "./wire-options.ts";

const OUT_BYTES = 4096;
const KEY = "user:profile:100";

interface Scene {
  readonly encoder: ReplyEncoder;
  readonly request: Request;
  readonly reply: Reply;
  readonly bytes: Uint8Array;
}

/** The request in `line`, and a reply of 100 bytes, in one shared memory with the output. */
function sceneOf(line: string, outcome: Partial<Reply>): Scene {
  const bytes = new Uint8Array(new SharedArrayBuffer(2 * OUT_BYTES));
  bytes.set(Buffer.from(line, "latin1"), OUT_BYTES);
  const request = new Request(bytes);
  const clock = new Clock(1_700_000_000);
  const parser = new WireParser(WIRE_OPTIONS, clock);
  parser.parse(new WireState(WIRE_OPTIONS), request, bytes, OUT_BYTES, OUT_BYTES + line.length);
  const reply = Object.assign(new Reply(bytes), { valueBytes: 100, casLow: 123456 }, outcome);
  return { encoder: new ReplyEncoder(clock), request, reply, bytes };
}

/** Encodes the reply to `line` over and over, somewhere in the output. */
function encoding(name: string, line: string, outcome: Partial<Reply>): MicroBench {
  let scene = sceneOf(line, outcome);
  return {
    name: `encoder: ${name}`,
    iterations: { smoke: 100, full: 400_000 },
    prepare() {
      scene = sceneOf(line, outcome);
    },
    run(iterations) {
      const { encoder, request, reply, bytes } = scene;
      let checksum = 0;
      for (let i = 0; i < iterations; i++) {
        const at = i & 1023;
        let end = 0;
        if (encoder.carriesValue(request, reply)) {
          end = encoder.encodeHead(request, reply, bytes, at);
          end = encoder.encodeTail(request, bytes, end);
        } else {
          end = encoder.encode(request, reply, bytes, at);
        }
        checksum = (checksum + end - at) | 0;
      }
      return checksum;
    },
  };
}

/** Saves and restores the request in `line`. */
function saving(name: string, line: string): MicroBench {
  let scene = sceneOf(line, {});
  const restored = new Request(scene.bytes);
  return {
    name: `encoder: save and restore ${name}`,
    iterations: { smoke: 100, full: 200_000 },
    prepare() {
      scene = sceneOf(line, {});
    },
    run(iterations) {
      const { encoder, request, bytes } = scene;
      let checksum = 0;
      for (let i = 0; i < iterations; i++) {
        const at = i & 1023;
        checksum = (checksum + encoder.save(request, bytes, at) - at) | 0;
        encoder.restore(restored, bytes, at);
        checksum = (checksum + restored.keyEnd) | 0;
      }
      return checksum;
    },
  };
}

const SET = `set ${KEY} 0 0 3\r\nabc\r\n`;
const MS = `ms ${KEY} 3 T300 c O12\r\nabc\r\n`;

export default [
  encoding("get, a hit", `get ${KEY}\r\n`, { status: Status.hit }),
  encoding("gets, a hit", `gets ${KEY}\r\n`, { status: Status.hit }),
  encoding("get, a miss", `get ${KEY}\r\n`, { status: Status.miss }),
  encoding("set", SET, { status: Status.stored }),
  encoding("incr", `incr ${KEY} 1\r\n`, { status: Status.stored, numberLow: 1234 }),
  encoding("mg with v, a hit", `mg ${KEY} v\r\n`, { status: Status.hit }),
  encoding("mg with seven flags, a hit", `mg ${KEY} s v t f O1234 k q\r\n`, { status: Status.hit }),
  encoding("ms", MS, { status: Status.stored }),
  saving("a set", SET),
  saving("an ms", MS),
  saving("a gat", `gat 0 ${KEY}\r\n`),
];

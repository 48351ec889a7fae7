/**
 * What a request costs between the kernel and the kernel: parsed, found or stored, answered, with a
 * transport that takes everything and sends nothing. 16-byte keys, 100-byte values, 100 000 of them
 * drawn evenly, one shard of the thread's own.
 *
 * One iteration is what one `recv` brings: a request, or twenty of a pipeline, or a get of fifty
 * keys.
 */
import { SETTINGS_DEFAULTS } from "../../src/config/settings.ts";
import { BusyPoll } from "../../src/connection/busy-poll.ts";
import type { Connections } from "../../src/connection/connections.ts";
import { Libc, libcAvailable } from "../../src/libc/libc.ts";
import { SharedMemory } from "../../src/primary/shared-memory.ts";
import { Waker } from "../../src/ring/wake.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { ThreadMemory } from "../../src/worker/thread-memory.ts";
import { createServer } from "../../src/worker/thread-server.ts";
import type { MicroBench } from "./micro-bench.ts";

const KEYS = 100_000;
const KEY_DIGITS = 6;
const KEY_PREFIX = "key:567:90";
const VALUE_BYTES = 100;
const PIPELINE = 20;
const MGET_KEYS = 50;
const EPOCH_UNIX = 1_700_000_000;
const ZERO = 48;
/** The connection that is measured, and the one that stores the keys. */
const SLOT = 0;
const FILL_SLOT = 1;

/** Takes every reply, and only counts. */
class Drain implements Transport {
  readonly slotCount = 2;
  bytes = 0;

  send(_slot: number, _arena: unknown, start: number, end: number): number {
    this.bytes += end - start;
    return end - start;
  }

  connect(): number {
    return -1;
  }

  pause(): void {}
  resume(): void {}
  close(): void {}

  peerAddress(): string {
    return "tcp:127.0.0.1:11211";
  }

  localAddress(): string {
    return "tcp:127.0.0.1:11211";
  }
}

class Bed {
  readonly #drain = new Drain();
  readonly #connections: Connections;
  readonly #bytes: Uint8Array;
  readonly #input: number;
  #end = 0;
  /** Where the digits of the keys lie. */
  #digits: number[] = [];
  #random = 12345;

  constructor() {
    const settings = { ...SETTINGS_DEFAULTS, threads: 1 };
    const shared = new SharedMemory(settings, "native");
    shared.regions.node.setEpochUnix(EPOCH_UNIX);
    const listener = { text: "tcp:127.0.0.1:11211", protocol: settings.protocol, tag: "" };
    const data = shared.dataOf(0, 0, { bells: [], listeners: [listener] });
    const libc = libcAvailable() ? Libc.load() : null;
    const memory = new ThreadMemory(data, libc);
    const shard = data.layout.shards[0] as { arena: number; base: number };
    const { control } = memory;
    const arena = memory.arena(shard);
    const regionBytes = memory.shards[0]?.plan.regionBytes ?? 0;
    libc?.wishHugePages(libc.memory(arena), shard.base, regionBytes);
    const store = memory.openStore(0);
    memory.readers[0]?.setOwner(true);
    const ints = memory.arena(data.layout.control).ints;
    const bell = { ring: () => {} };
    const server = createServer({
      memory,
      transport: this.#drain,
      waker: new Waker(ints, control, bell),
      loans: memory.loans(bell),
      busyPoll: new BusyPoll(0, memory.counters, () => 0),
      giveBack: () => {},
      ownStore: store,
      descriptor: (slot) => slot,
      askPrimary: () => {},
      loginFailed: () => {},
    });
    this.#connections = server.connections;
    const io = data.layout.io[0] as { arena: number; base: number };
    this.#bytes = memory.arena(io).bytes;
    this.#input = io.base;
    this.#connections.opened(FILL_SLOT, 0);
    this.#connections.opened(SLOT, 0);
    for (let key = 0; key < KEYS; key++) {
      this.load(setOf());
      this.#write(this.#digits[0] as number, key);
      this.#receive(FILL_SLOT);
    }
  }

  /** Puts `text` into the receive buffer, to be received again and again. */
  load(text: string): void {
    const input = Buffer.from(text, "latin1");
    this.#bytes.set(input, this.#input);
    this.#end = this.#input + input.length;
    this.#digits = [];
    for (let at = input.indexOf(KEY_PREFIX); at >= 0; at = input.indexOf(KEY_PREFIX, at + 1)) {
      this.#digits.push(this.#input + at + KEY_PREFIX.length);
    }
  }

  /** Receives it `times` times, each time with other keys. Returns the bytes that were answered. */
  receive(times: number): number {
    const start = this.#drain.bytes;
    const digits = this.#digits;
    for (let time = 0; time < times; time++) {
      for (let key = 0; key < digits.length; key++) {
        this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
        this.#write(digits[key] as number, (this.#random >>> 8) % KEYS);
      }
      this.#receive(SLOT);
    }
    return this.#drain.bytes - start;
  }

  #write(at: number, key: number): void {
    let rest = key;
    for (let digit = KEY_DIGITS - 1; digit >= 0; digit--) {
      const quotient = (rest / 10) | 0;
      this.#bytes[at + digit] = ZERO + rest - quotient * 10;
      rest = quotient;
    }
  }

  #receive(slot: number): void {
    this.#connections.received(slot, this.#bytes, this.#input, this.#end);
  }
}

const KEY = KEY_PREFIX + "0".repeat(KEY_DIGITS);

function setOf(): string {
  return `set ${KEY} 0 0 ${VALUE_BYTES}\r\n${"v".repeat(VALUE_BYTES)}\r\n`;
}

/** The binary protocol's Get: a header of 24 bytes, and the key. */
function binaryGetOf(): string {
  const header = Buffer.alloc(24);
  header[0] = 0x80;
  header.writeUInt16BE(KEY.length, 2);
  header.writeUInt32BE(KEY.length, 8);
  return header.toString("latin1") + KEY;
}

const GET = `get ${KEY}\r\n`;
const META_GET = `mg ${KEY} v\r\n`;

let bed: Bed;

function bench(name: string, request: string, operations: number): MicroBench {
  return {
    name: `connection: ${name}`,
    iterations: { smoke: 10, full: Math.round(60_000 / operations) },
    operations,
    prepare() {
      bed = new Bed();
      bed.load(request);
    },
    run(iterations) {
      return bed.receive(iterations);
    },
  };
}

export default [
  bench("a get", GET, 1),
  bench("a set", setOf(), 1),
  bench("pipelined gets", GET.repeat(PIPELINE), PIPELINE),
  bench("pipelined, one set in ten", (GET.repeat(9) + setOf()).repeat(2), PIPELINE),
  bench("a get of many keys, each", `get${` ${KEY}`.repeat(MGET_KEYS)}\r\n`, MGET_KEYS),
  bench("pipelined meta gets", META_GET.repeat(PIPELINE), PIPELINE),
  bench("pipelined binary gets", binaryGetOf().repeat(PIPELINE), PIPELINE),
  bench("pipelined sets", setOf().repeat(PIPELINE), PIPELINE),
] satisfies MicroBench[];

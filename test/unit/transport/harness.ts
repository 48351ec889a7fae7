/**
 * A thread's worth of transport for tests: memory, bell, an echo handler, and turns taken between
 * those of libuv, so that clients of node:net live in the same thread.
 */
import { Arena } from "../../../src/memory/arena.ts";
import { Control, controlBytes } from "../../../src/memory/control.ts";
import type { LoopHandler, Transport, TransportHandler } from "../../../src/transport/transport.ts";

/** Input region of the tests: small, so that a stream takes many reads. */
export const INPUT_BYTES = 4096;
/** What an echo handler keeps of one connection. */
const KEPT_BYTES_MAX = 1 << 20;

/** Echoes; keeps what the socket does not take, and pauses reading meanwhile. */
export class EchoHandler implements TransportHandler, LoopHandler {
  transport: Transport | null = null;
  readonly arena: Arena;
  readonly #keptAt: number;
  readonly kept = new Map<number, Buffer>();
  readonly log: string[] = [];
  readonly peers = new Map<number, string>();
  openCount = 0;
  bytesReceived = 0;
  turns = 0;
  awakes = 0;
  /** What `turn` answers. */
  sleepMs = 0;
  onTurn: () => void = () => {};

  constructor(arena: Arena, keptAt: number) {
    this.arena = arena;
    this.#keptAt = keptAt;
  }

  opened(slot: number, listener: number): void {
    this.openCount++;
    this.log.push(`opened ${listener}`);
    this.peers.set(slot, this.#transport().peerAddress(slot));
  }

  received(slot: number, bytes: Uint8Array, start: number, end: number): void {
    this.bytesReceived += end - start;
    const kept = this.kept.get(slot);
    if (kept !== undefined) {
      this.kept.set(slot, Buffer.concat([kept, bytes.subarray(start, end)]));
      return;
    }
    const sent = this.#transport().send(slot, this.arena, start, end, false);
    if (sent < 0) {
      this.#close(slot);
    } else if (sent < end - start) {
      this.kept.set(slot, Buffer.from(bytes.subarray(start + sent, end)));
      this.#transport().pause(slot);
      this.log.push("blocked");
    }
  }

  writable(slot: number): void {
    const kept = this.kept.get(slot);
    if (kept === undefined) return;
    const length = Math.min(kept.length, KEPT_BYTES_MAX);
    this.arena.bytes.set(kept.subarray(0, length), this.#keptAt);
    const sent = this.#transport().send(
      slot,
      this.arena,
      this.#keptAt,
      this.#keptAt + length,
      false,
    );
    if (sent < 0) {
      this.kept.delete(slot);
      this.#close(slot);
    } else if (sent < kept.length) {
      this.kept.set(slot, kept.subarray(sent));
    } else {
      this.kept.delete(slot);
      this.log.push("drained");
      this.#transport().resume(slot);
    }
  }

  ended(slot: number): void {
    this.log.push("ended");
    this.#close(slot);
  }

  turn(): number {
    this.turns++;
    this.onTurn();
    return this.sleepMs;
  }

  awake(): void {
    this.awakes++;
  }

  #close(slot: number): void {
    this.openCount--;
    this.kept.delete(slot);
    this.#transport().close(slot);
  }

  #transport(): Transport {
    return this.transport as Transport;
  }
}

/** A control block of its own. */
export function testControl(threadCount = 1): { control: Control; arena: Arena } {
  const arena = new Arena(new SharedArrayBuffer(controlBytes(threadCount)));
  return { control: new Control(arena, 0), arena };
}

/** Lets libuv take a turn. */
export function libuvTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Alternates `step` and libuv until `done`. */
export async function until(done: () => boolean, step: () => void = () => {}): Promise<void> {
  while (!done()) {
    step();
    await libuvTurn();
  }
}

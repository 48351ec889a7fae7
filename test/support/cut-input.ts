/**
 * CutInput: a layer between a transport and its handler, as TLS would be one, which hands input
 * over in pieces of a few bytes. It is a transport to those above and a handler to the one below:
 *
 *   handler ── send pause resume close connect ─▶ CutInput ─▶ transport
 *           ◀── received, a piece at a time ───── CutInput ◀── received
 *
 * A handler may pause or close in the middle of what came: the rest is held, and handed over in a
 * later turn, from a place in the arena that received bytes lie in; the end of the stream last.
 */
import type { SocketAddress } from "../../src/libc/socket-address.ts";
import type { Arena } from "../../src/memory/arena.ts";
import type { NativeTransport } from "../../src/transport/native-transport.ts";
import type {
  LinkHandler,
  LoopHandler,
  StreamHandler,
  TransportHandler,
} from "../../src/transport/transport.ts";

/** What a test drives turn by turn. */
export type TestedTransport = Omit<NativeTransport, "run" | "stop">;

/** What of a slot's input waits, and whether it may go on. */
interface Held {
  bytes: Buffer;
  isEnded: boolean;
  isPaused: boolean;
}

export class CutInput implements TestedTransport, TransportHandler, LoopHandler {
  readonly slotCount: number;
  readonly #inner: NativeTransport;
  #outer: TransportHandler | null = null;
  #loop: LoopHandler | null = null;
  readonly #pieceBytes: number;
  readonly #staging: { readonly arena: Arena; readonly offset: number };
  readonly #links = new Map<number, LinkHandler>();
  readonly #held = new Map<number, Held>();

  /** `staging`: where a piece that was held is handed over from. */
  constructor(
    inner: NativeTransport,
    pieceBytes: number,
    staging: { readonly arena: Arena; readonly offset: number },
  ) {
    this.#inner = inner;
    this.#pieceBytes = pieceBytes;
    this.#staging = staging;
    this.slotCount = inner.slotCount;
  }

  // A transport, to those above.

  runTurn(handler: TransportHandler, loop: LoopHandler): void {
    this.#outer = handler;
    this.#loop = loop;
    this.#inner.runTurn(this, this);
  }

  adopt(fd: number, listener: number): boolean {
    return this.#inner.adopt(fd, listener);
  }

  destroy(): void {
    this.#inner.destroy();
  }

  connect(to: SocketAddress, link: LinkHandler): number {
    const slot = this.#inner.connect(to, {
      connected: (slot) => link.connected(slot),
      failed: (slot, errno) => {
        this.#forget(slot);
        link.failed(slot, errno);
      },
      received: (slot, bytes, start, end) => this.received(slot, bytes, start, end),
      writable: (slot) => link.writable(slot),
      ended: (slot) => this.ended(slot),
    });
    if (slot >= 0) this.#links.set(slot, link);
    return slot;
  }

  send(slot: number, arena: Arena, start: number, end: number, more: boolean): number {
    return this.#inner.send(slot, arena, start, end, more);
  }

  pause(slot: number): void {
    this.#of(slot).isPaused = true;
    this.#inner.pause(slot);
  }

  resume(slot: number): void {
    this.#of(slot).isPaused = false;
    this.#inner.resume(slot); // what comes lines up behind what is held
  }

  close(slot: number): void {
    this.#forget(slot);
    this.#inner.close(slot);
  }

  peerAddress(slot: number): string {
    return this.#inner.peerAddress(slot);
  }

  localAddress(slot: number): string {
    return this.#inner.localAddress(slot);
  }

  // A handler, to the transport below.

  opened(slot: number, listener: number): void {
    this.#outer?.opened(slot, listener);
  }

  received(slot: number, bytes: Uint8Array, start: number, end: number): void {
    const held = this.#of(slot);
    if (held.bytes.length > 0 || held.isPaused) {
      held.bytes = Buffer.concat([held.bytes, bytes.subarray(start, end)]);
      return;
    }
    for (let at = start; at < end; at += this.#pieceBytes) {
      if (this.#held.get(slot) !== held) return; // closed
      if (held.isPaused) {
        held.bytes = Buffer.from(bytes.subarray(at, end));
        return;
      }
      const pieceEnd = Math.min(at + this.#pieceBytes, end);
      this.#handlerOf(slot).received(slot, bytes, at, pieceEnd);
    }
  }

  writable(slot: number): void {
    this.#handlerOf(slot).writable(slot);
  }

  ended(slot: number): void {
    const held = this.#of(slot);
    if (held.bytes.length > 0 || held.isPaused) held.isEnded = true;
    else this.#handlerOf(slot).ended(slot);
  }

  // A loop: what is held goes on, a piece of each slot in a turn.

  turn(): number {
    for (const [slot, held] of [...this.#held]) {
      if (held.isPaused || this.#held.get(slot) !== held) continue;
      if (held.bytes.length > 0) this.#handOver(slot, held);
      else if (held.isEnded) {
        held.isEnded = false;
        this.#handlerOf(slot).ended(slot);
      }
    }
    const sleepMs = (this.#loop as LoopHandler).turn();
    const isWaiting = [...this.#held.values()].some(
      ({ bytes, isEnded, isPaused }) => !isPaused && (bytes.length > 0 || isEnded),
    );
    return isWaiting ? 0 : sleepMs;
  }

  awake(): void {
    this.#loop?.awake();
  }

  #handOver(slot: number, held: Held): void {
    const { arena, offset } = this.#staging;
    const piece = held.bytes.subarray(0, this.#pieceBytes);
    held.bytes = held.bytes.subarray(piece.length);
    arena.bytes.set(piece, offset);
    this.#handlerOf(slot).received(slot, arena.bytes, offset, offset + piece.length);
  }

  #handlerOf(slot: number): StreamHandler {
    return this.#links.get(slot) ?? (this.#outer as TransportHandler);
  }

  #of(slot: number): Held {
    let held = this.#held.get(slot);
    if (held === undefined) {
      held = { bytes: Buffer.alloc(0), isEnded: false, isPaused: false };
      this.#held.set(slot, held);
    }
    return held;
  }

  #forget(slot: number): void {
    this.#held.delete(slot);
    this.#links.delete(slot);
  }
}

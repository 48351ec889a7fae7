/**
 * Transport: sockets as small integers, the same for epoll, io_uring and node:net.
 *
 *   kernel ──▶ transport ── opened received writable ended ──▶ TransportHandler (connections)
 *                        ◀── send pause resume close ─────────
 *
 *             ◀── connect ── ─▶ connected, failed ─▶ LinkHandler: connections that go out
 *
 *   one turn:  wait for ready sockets · every ready socket · loop.turn() · closes
 *
 * A connection is a slot, 0 ≤ slot < slotCount. A slot that was closed is not given out again
 * before its turn has ended, so nobody holds a number that means somebody else. Calls into the
 * transport are made only on its own thread, inside handler calls.
 *
 * A layer between a transport and its handler (TLS, say) is a transport to the one and a handler to
 * the other. It tells connections apart by the `listener` they were opened on; what it makes of
 * received bytes it hands over from a place of its own in the same arena; and a handler may pause
 * or close in the middle of what it is handed.
 *
 * Why `send` copies or completes: with epoll it hands the bytes to the kernel at once; io_uring
 * keeps them until the end of the turn and longer, so it copies them to memory of its own. Either
 * way the caller may reuse its bytes on return.
 */
import type { SocketAddress } from "../libc/socket-address.ts";
import type { Arena } from "../memory/arena.ts";

/**
 * The connection is gone: what `send` answers when nothing will ever be sent again. The caller
 * closes the slot.
 */
export const GONE = -1;

/** Who hears of a connection that is open. */
export interface StreamHandler {
  /**
   * Bytes came: bytes[start, end), valid during the call. They are all the bytes of the arena that
   * the transport was given for input; where in it is whoever's who hands them over.
   */
  received(slot: number, bytes: Uint8Array, start: number, end: number): void;
  /** After a short send, the socket takes more. */
  writable(slot: number): void;
  /**
   * The peer will send nothing more (it closed its half, or an error). Said once; the handler
   * closes, now or when answered.
   */
  ended(slot: number): void;
}

/** Who hears of the connections that clients open. */
export interface TransportHandler extends StreamHandler {
  /**
   * A new connection. `listener` is the number its acceptor gave: which listening socket it came
   * from.
   */
  opened(slot: number, listener: number): void;
}

/** Who hears of a connection that goes out: to a peer, a source to import from, a probe. */
export interface LinkHandler extends StreamHandler {
  /** It is open. What `send` did not take before is to be sent now. */
  connected(slot: number): void;
  /** It cannot be had, for the reason of an errno. The slot is closed already. */
  failed(slot: number, errno: number): void;
}

/** What the thread does besides sockets. */
export interface LoopHandler {
  /**
   * Once a turn, after all ready sockets. Milliseconds the loop may sleep: 0 = not at all, -1 =
   * until the bell.
   */
  turn(): number;
  /**
   * The loop has returned from a wait in which the thread may have slept. It is awake: from here on
   * other threads need not ring its bell.
   */
  awake(): void;
}

export interface Transport {
  /** Slots run from 0 to here. */
  readonly slotCount: number;
  /**
   * Begins a connection to a server: its slot. `handler`, and nobody else, hears of it: first, in a
   * later turn, `connected` or `failed`; until then `send` takes nothing. How long that may take is
   * the caller's to say, who closes the slot when it has waited enough (the kernel itself gives up
   * after two minutes). It is no client's connection: `curr_connections` does not count it, and a
   * stop does not wait for it.
   *
   * A negated errno when it failed at once, of which nobody hears: -ENOBUFS when every slot is
   * taken.
   */
  connect(to: SocketAddress, handler: LinkHandler): number;
  /**
   * Sends arena bytes [start, end). Returns how many were taken; fewer than given arms `writable`,
   * and until that call nothing more is taken. `GONE` when the connection is broken. `more` says
   * that the caller sends more right after.
   */
  send(slot: number, arena: Arena, start: number, end: number, more: boolean): number;
  /**
   * Stops reading. Bytes of the current `received` call have been handed over; no other call of it
   * follows.
   */
  pause(slot: number): void;
  resume(slot: number): void;
  /** No handler call about this slot follows. What `send` took is still delivered. */
  close(slot: number): void;
  /**
   * For `stats conns`: as memcached prints an address, `tcp:127.0.0.1:11211`, `unix:/path`; the
   * peer's, or ours.
   */
  peerAddress(slot: number): string;
  localAddress(slot: number): string;
}

/**
 * UdpSocket: datagrams in and out of an arena, each with the address of its peer.
 *
 *   region | peer address, 128 bytes | its length u32, padded to 64 | one datagram |
 *
 * `receive` fills the region, `reply` sends to whoever sent what was received last. Neither blocks, neither allocates.
 */
import { assert } from "../base/assert.ts";
import { SystemError } from "../base/errors.ts";
import type { Arena } from "../memory/arena.ts";
import type { Libc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./linux.ts";
import type { NativeMemory } from "./native-memory.ts";
import {
  ADDRESS_BYTES_MAX,
  ADDRESS_OFFSET,
  localPort,
  writeInetAddress,
} from "./socket-address.ts";

const PEER_OFFSET = 0;
const PEER_LENGTH_OFFSET = ADDRESS_BYTES_MAX;
const DATAGRAM_OFFSET = PEER_LENGTH_OFFSET + 64;
/** The largest UDP datagram. */
export const DATAGRAM_BYTES_MAX = 65_507;
export const UDP_REGION_BYTES = DATAGRAM_OFFSET + 65_536;
/** No datagram waits. */
export const NO_DATAGRAM = -1;

export class UdpSocket {
  readonly fd: number;
  readonly port: number;
  /** Where a received datagram begins in the arena. */
  readonly datagramOffset: number;
  readonly #libc: Libc;
  readonly #memory: NativeMemory;
  readonly #base: number;

  /** Binds a numeric address; port 0 is any free one. `base`: of UDP_REGION_BYTES in the arena. */
  constructor(libc: Libc, arena: Arena, base: number, address: string, port: number) {
    this.#libc = libc;
    this.#memory = libc.memory(arena);
    this.#base = base;
    this.datagramOffset = base + DATAGRAM_OFFSET;
    const family = address.includes(":") ? AF_INET6 : AF_INET;
    this.fd = libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (this.fd < 0) throw new SystemError(`socket() failed (errno ${-this.fd})`);
    libc.scratch.arena.ints[0] = 1;
    libc.setsockopt(this.fd, SOL_SOCKET, SO_REUSEADDR, libc.scratch, 0, 4);
    const length = writeInetAddress(libc, address, port);
    const bound = libc.bind(this.fd, libc.scratch, ADDRESS_OFFSET, length);
    if (bound < 0) {
      libc.close(this.fd);
      throw new SystemError(`failed to listen on UDP port ${port} (errno ${-bound})`);
    }
    this.port = localPort(libc, this.fd);
  }

  /** Bytes of the next datagram, at `datagramOffset`; `NO_DATAGRAM` when none waits. */
  receive(): number {
    const { words } = this.#memory.arena;
    words[(this.#base + PEER_LENGTH_OFFSET) >>> 2] = ADDRESS_BYTES_MAX;
    const got = this.#libc.recvfrom(
      this.fd,
      this.#memory,
      this.datagramOffset,
      DATAGRAM_BYTES_MAX,
      this.#base + PEER_OFFSET,
      this.#base + PEER_LENGTH_OFFSET,
    );
    // An error a peer caused (it refused an earlier reply) is no datagram either.
    return got < 0 ? NO_DATAGRAM : got;
  }

  /** Sends [start, start + length) to the sender of the last datagram. False when it was not taken, and is lost. */
  reply(start: number, length: number): boolean {
    assert(length <= DATAGRAM_BYTES_MAX, "a datagram fits UDP");
    const { words } = this.#memory.arena;
    const peerBytes = words[(this.#base + PEER_LENGTH_OFFSET) >>> 2] as number;
    assert(peerBytes > 0 && peerBytes <= ADDRESS_BYTES_MAX, "somebody sent before we reply");
    const peer = this.#base + PEER_OFFSET;
    const sent = this.#libc.sendto(this.fd, this.#memory, start, length, peer, peerBytes);
    return sent === length;
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}

/**
 * Node front: the connections of the node transport, served in the primary's own event loop. The
 * primary owns no shard: every mutation goes through a ring, reads are direct as everywhere.
 *
 *   node:net ─▶ NodeTransport ─▶ connections ─▶ router ─▶ rings ─▶ workers, which sleep in Atomics.wait
 *                    ▲─────────── Atomics.notify ◀── the worker that answered
 */
import type { Bell } from "../base/bell.ts";
import type { WorkerData } from "../config/worker-data.ts";
import type { Duties } from "../connection/connections-parts.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { RECEIVE_BYTES } from "../memory/io-region.ts";
import { NotifyBell, Sleeper, Waker } from "../ring/wake.ts";
import { NodeTransport } from "../transport/node/node-transport.ts";
import { createFront, type Front } from "./front.ts";
import { ThreadMemory } from "./thread-memory.ts";

/** The clock moves once a second. */
const SLEEP_MS_MAX = 1000;

export class NodeFront implements Duties {
  readonly transport: NodeTransport;
  readonly #memory: ThreadMemory;
  readonly #front: Front;
  readonly #sleeper: Sleeper;

  /**
   * `askPrimary`: something was left in the control block. `loginFailed`: a login from that address
   * was refused. `bell`: what wakes the workers, where they do not sleep in `Atomics.wait`.
   */
  constructor(
    data: WorkerData,
    askPrimary: () => void,
    loginFailed: (peer: string) => void = () => {},
    bell: Bell | null = null,
  ) {
    const memory = new ThreadMemory(data, libcAvailable() ? Libc.load() : null);
    const { layout, self } = data;
    const io = layout.io[self] as { arena: number; base: number };
    const { ints } = memory.arena(layout.control);
    const workersBell = bell ?? new NotifyBell(ints, memory.control);
    this.#memory = memory;
    this.#sleeper = new Sleeper(ints, memory.control, self);
    this.transport = new NodeTransport({
      slotCount: layout.connectionSlots,
      control: memory.control,
      input: { arena: memory.arena(io), offset: io.base, bytes: RECEIVE_BYTES },
      bell: { ints, word: memory.control.sleepWord(self) },
    });
    this.#front = createFront({
      memory,
      transport: this.transport,
      waker: new Waker(ints, memory.control, workersBell),
      loans: memory.loans(workersBell),
      ownStore: null,
      busyPoll: null,
      duties: this,
      descriptor: (slot) => slot,
      askPrimary,
      loginFailed: (slot) => loginFailed(this.transport.peerAddress(slot)),
    });
  }

  /** Begins to serve what the transport is given. */
  start(): void {
    this.transport.start(this.#front.connections, this.#front.connections);
  }

  /** A worker has answered, or made room. */
  wake(): void {
    this.transport.wake();
  }

  /** Reads no more; connections close once they are answered. */
  drain(): void {
    this.#front.connections.drain();
    this.transport.wake();
  }

  openCount(): number {
    return this.#front.connections.openCount();
  }

  begin(): void {
    this.#memory.clock.now = this.#memory.control.now();
  }

  end(busy: boolean): number {
    if (busy) return 0;
    this.#sleeper.prepare();
    if (!this.#front.router.isReady()) return SLEEP_MS_MAX;
    this.#sleeper.cancel();
    return 0;
  }

  awake(): void {
    this.#sleeper.cancel();
    this.begin();
  }
}

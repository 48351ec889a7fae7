/**
 * Node server: the connections of the node transport, served in the primary's own event loop. The
 * primary owns no shard: every mutation goes through a ring, reads are direct as everywhere.
 *
 *   node:net ─▶ NodeTransport ─▶ connections ─▶ router ─▶ rings ─▶ workers, which sleep in Atomics.wait
 *                    ▲─────────── Atomics.notify ◀── the worker that answered
 */
import type { Bell } from "../base/bell.ts";
import { BusyPoll } from "../connection/busy-poll.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { RECEIVE_BYTES } from "../memory/io-region.ts";
import { NotifyBell, Sleeper, Waker } from "../ring/wake.ts";
import { NodeTransport } from "../transport/node/node-transport.ts";
import type { WorkerData } from "./messages.ts";
import { poisonReuse } from "./poison.ts";
import { ThreadMemory } from "./thread-memory.ts";
import { createServer, type ThreadServer } from "./thread-server.ts";
import { Turn } from "./turn.ts";

export class NodeServer {
  readonly transport: NodeTransport;
  readonly #server: ThreadServer;
  readonly #turn: Turn;

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
    const libc = libcAvailable() ? Libc.load() : null;
    const memory = new ThreadMemory(data, libc);
    const { layout, self } = data;
    if (data.settings.extended.debug) poisonReuse();
    const io = layout.io[self] as { arena: number; base: number };
    const ioMemory = libc?.memory(memory.arena(io));
    const { ints } = memory.arena(layout.control);
    const workersBell = bell ?? new NotifyBell(ints, memory.control);
    this.transport = new NodeTransport({
      slotCount: layout.connectionSlots,
      control: memory.control,
      input: { arena: memory.arena(io), offset: io.base, bytes: RECEIVE_BYTES },
      bell: { ints, word: memory.control.sleepWord(self) },
    });
    this.#server = createServer({
      memory,
      transport: this.transport,
      waker: new Waker(ints, memory.control, workersBell),
      loans: memory.loans(workersBell),
      ownStore: null,
      giveBack: (offset, bytes) => {
        if (ioMemory !== undefined) libc?.giveBack(ioMemory, offset, bytes);
      },
      busyPoll: new BusyPoll(0, memory.counters, () => 0), // libuv's loop is not ours
      descriptor: (slot) => slot,
      askPrimary,
      loginFailed: (slot) => loginFailed(this.transport.peerAddress(slot)),
    });
    this.#turn = new Turn({
      clock: memory.clock,
      control: memory.control,
      observer: memory.observer,
      sleeper: new Sleeper(ints, memory.control, self),
      own: null,
      server: this.#server,
      arrivals: null,
      stop: () => {}, // the process ends instead
    });
  }

  /** Begins to serve what the transport is given. */
  start(): void {
    this.transport.start(this.#server.connections, this.#turn);
  }

  /** A worker has answered, or made room; or the node stops. */
  wake(): void {
    this.transport.wake();
  }

  openCount(): number {
    return this.#server.connections.openCount();
  }
}

/**
 * Worker: one thread's life. It owns a shard, and under the native transport, if it is one of the
 * socket threads, it serves the sockets it is dealt.
 *
 *   with sockets   loop: epoll or io_uring · sockets · [begin] · rings of its connections · [end: serve the shard, sweep, sleep?]
 *   without        loop: serve the shard, sweep, Atomics.wait
 *
 * The loop never returns to the runtime's event loop until the node stops: no timers, no messages,
 * no promises. All the worker hears comes by shared memory, and its bell wakes it.
 *
 * A successor of a worker that died closes its connections' descriptors, repairs the shards it had
 * on loan and its own, answers what it had in hand, and goes on.
 */
import type { WorkerData, WorkerMessage } from "../config/worker-data.ts";
import { BusyPoll } from "../connection/busy-poll.ts";
import { RECEIVE_BYTES } from "../memory/io-region.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { Borrower } from "../ring/loan.ts";
import { NotifyBell, Sleeper, Waker } from "../ring/wake.ts";
import { endLoans } from "../router/stores.ts";
import { Shard } from "../shard/shard.ts";
import { monotonicNanoseconds } from "../transport/clocks.ts";
import { closeLeftovers } from "../transport/leftovers.ts";
import { Libc, libcAvailable } from "../transport/libc.ts";
import { NativeBell } from "../transport/native-bell.ts";
import { NativeParts, planNative } from "../transport/native-plan.ts";
import { createNativeTransport, nativeKind } from "../transport/native-transport.ts";
import { createFront } from "./front.ts";
import { watchForFault } from "./planted-fault.ts";
import { ShardDuties } from "./shard-duties.ts";
import { ThreadMemory } from "./thread-memory.ts";

/** Serves until the node stops. `post` reaches the primary at once, whatever this thread does. */
export function runWorker(data: WorkerData, post: (message: WorkerMessage) => void): void {
  const native = data.transport === "native";
  const libc = native || libcAvailable() ? Libc.load() : null;
  const memory = new ThreadMemory(data, libc);
  const { self, layout, threadCount, settings } = data;
  const controlArena = memory.arena(layout.control);
  const notify = new NotifyBell(controlArena.ints, memory.control);
  const bell = native && libc !== null ? new NativeBell(libc, data.bells, notify) : notify;
  const waker = new Waker(controlArena.ints, memory.control, bell);
  const place = layout.shards[self] as { arena: number; base: number };
  if (libc !== null) {
    const arena = memory.arena(place);
    libc.wishHugePages(
      libc.memory(arena),
      place.base,
      (memory.shards[self] as ShardMemory).plan.regionBytes,
    );
  }
  if (settings.extended.debug) watchForFault(memory.control, self);
  const loans = {
    borrower: new Borrower(controlArena.ints, memory.control, bell, self),
    open: (shard: number) => memory.openStore(shard),
  };
  const sleeper = new Sleeper(controlArena.ints, memory.control, self);
  let itemsDropped = 0;
  if (data.incarnation > 0) {
    itemsDropped += endLoans(loans, threadCount);
    sleeper.cancel();
  }
  const store = memory.openStore(self);
  if (data.incarnation > 0) itemsDropped += store.recover();
  const shard = new Shard({
    self,
    store,
    arena: memory.arena(layout.links),
    base: layout.links.base,
    plan: memory.linkPlan,
    counters: memory.counters,
    waker,
  });
  if (data.incarnation > 0) shard.recoverLinks();
  (memory.readers[self] as { setOwner(own: boolean): void }).setOwner(true);
  const duties = new ShardDuties({ memory, store, shard, sleeper });
  if (libc === null || self >= layout.socketThreads) {
    post({ kind: "ready", self, itemsDropped });
    duties.runAlone();
    return;
  }
  const io = layout.io[self] as { arena: number; base: number };
  const sockets = layout.native[self] as { arena: number; base: number };
  const parts = new NativeParts(
    memory.arena(sockets),
    sockets.base,
    planNative(layout.connectionSlots),
  );
  closeLeftovers(libc, parts, memory.control);
  const transport = createNativeTransport(nativeKind(settings.transport), {
    libc,
    parts,
    control: memory.control,
    bellFd: data.bells[self] as number,
    input: { arena: memory.arena(io), offset: io.base, bytes: RECEIVE_BYTES },
  });
  const front = createFront({
    memory,
    transport,
    waker,
    ownStore: store,
    busyPoll: new BusyPoll(settings.extended.busyPollMicroseconds, memory.counters, () =>
      monotonicNanoseconds(libc),
    ),
    loans: settings.extended.lending ? loans : null,
    duties,
    descriptor: (slot) => parts.table.fd(slot),
    askPrimary: () => post({ kind: "asked", self }),
    loginFailed: (slot) =>
      post({
        kind: "log",
        self,
        level: "warn",
        message: `a login from ${transport.peerAddress(slot)} failed`,
      }),
  });
  duties.attach(front, transport, parts.mailbox);
  post({ kind: "ready", self, itemsDropped });
  transport.run(front.connections, front.connections);
  transport.destroy();
}

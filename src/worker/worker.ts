/**
 * Worker: one thread's life. It owns a shard, and under the native transport, if it is one of the
 * socket threads, it serves the sockets it is dealt.
 *
 *   with sockets   epoll or io_uring · every ready socket · a turn (turn.ts)
 *   without        a turn · Atomics.wait
 *
 * The loop never returns to the runtime's event loop until the node stops: no timers, no messages,
 * no promises. All the worker hears comes by shared memory, and its bell wakes it.
 *
 * A successor of a worker that died closes its connections' descriptors, repairs the shards it had
 * on loan and its own, answers what it had in hand, and goes on.
 */

import { BusyPoll } from "../connection/busy-poll.ts";
import { monotonicNanoseconds } from "../libc/clocks.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { RECEIVE_BYTES } from "../memory/io-region.ts";
import type { Place } from "../memory/node-layout.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NotifyBell } from "../ring/wake.ts";
import { closeLeftovers } from "../transport/leftovers.ts";
import { NativeBell } from "../transport/native-bell.ts";
import { NativeParts, planNative } from "../transport/native-plan.ts";
import { createNativeTransport, nativeKind } from "../transport/native-transport.ts";
import type { WorkerData, WorkerMessage } from "./messages.ts";
import { type OwnedShard, takeShard } from "./owned-shard.ts";
import { watchForFault } from "./planted-fault.ts";
import { poisonReuse } from "./poison.ts";
import { ThreadMemory } from "./thread-memory.ts";
import { createServer } from "./thread-server.ts";
import { Turn } from "./turn.ts";

type Post = (message: WorkerMessage) => void;

/** Serves until the node stops. `post` reaches the primary at once, whatever this thread does. */
export function runWorker(data: WorkerData, post: Post): void {
  const native = data.transport === "native";
  const libc = native || libcAvailable() ? Libc.load() : null;
  const memory = new ThreadMemory(data, libc);
  const { self, layout, settings } = data;
  const notify = new NotifyBell(memory.arena(layout.control).ints, memory.control);
  const bell = native && libc !== null ? new NativeBell(libc, data.bells, notify) : notify;
  if (libc !== null) wishHugePages(libc, memory);
  if (settings.extended.debug) {
    watchForFault(memory.control, self);
    poisonReuse();
  }
  const owned = takeShard(memory, bell);
  if (owned.damage !== "") {
    const message = `shard ${self} starts empty, what the memory file had of it is damaged`;
    post({ kind: "log", self, level: "error", message: `${message}: ${owned.damage}` });
  }
  if (libc !== null && self < layout.socketThreads) serveSockets(libc, memory, owned, post);
  else serveShard(memory, owned, post);
  owned.store.setAtRest(true);
}

/** The life of a worker without sockets. */
function serveShard(memory: ThreadMemory, owned: OwnedShard, post: Post): void {
  const { clock, control, observer } = memory;
  const { sleeper } = owned;
  const stop = () => {}; // `runAlone` sees it by itself
  const turn = new Turn({
    clock,
    control,
    observer,
    sleeper,
    own: owned,
    server: null,
    arrivals: null,
    stop,
  });
  post({ kind: "ready", self: memory.data.self, itemsDropped: owned.itemsDropped });
  turn.runAlone();
}

function wishHugePages(libc: Libc, memory: ThreadMemory): void {
  const { layout, self } = memory.data;
  const place = layout.shards[self] as Place;
  const { regionBytes } = (memory.shards[self] as ShardMemory).plan;
  libc.wishHugePages(libc.memory(memory.arena(place)), place.base, regionBytes);
}

/** The life of a worker that is dealt connections. */
function serveSockets(libc: Libc, memory: ThreadMemory, owned: OwnedShard, post: Post): void {
  const { self, layout, settings, bells } = memory.data;
  const io = layout.io[self] as Place;
  const sockets = layout.native[self] as Place;
  const plan = planNative(layout.connectionSlots);
  const parts = new NativeParts(memory.arena(sockets), sockets.base, plan);
  closeLeftovers(libc, parts, memory.control);
  const transport = createNativeTransport(nativeKind(settings.transport), {
    libc,
    parts,
    control: memory.control,
    bellFd: bells[self] as number,
    input: { arena: memory.arena(io), offset: io.base, bytes: RECEIVE_BYTES },
  });
  const { busyPollMicroseconds } = settings.extended;
  const nanoseconds = () => monotonicNanoseconds(libc);
  const ioMemory = libc.memory(memory.arena(io));
  const server = createServer({
    memory,
    transport,
    waker: owned.waker,
    ownStore: owned.store,
    busyPoll: new BusyPoll(busyPollMicroseconds, memory.counters, nanoseconds),
    loans: owned.loans,
    giveBack: (offset, bytes) => libc.giveBack(ioMemory, offset, bytes),
    descriptor: (slot) => parts.table.fd(slot),
    askPrimary: () => post({ kind: "asked", self }),
    loginFailed: (slot) => {
      const message = `a login from ${transport.peerAddress(slot)} failed`;
      post({ kind: "log", self, level: "warn", message });
    },
  });
  const { clock, control, observer } = memory;
  const turn = new Turn({
    clock,
    control,
    observer,
    sleeper: owned.sleeper,
    own: owned,
    server,
    arrivals: { mailbox: parts.mailbox, adopt: (fd, listener) => transport.adopt(fd, listener) },
    stop: () => transport.stop(),
  });
  post({ kind: "ready", self, itemsDropped: owned.itemsDropped });
  transport.run(server.connections, turn);
  transport.destroy();
}

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
import type { Bell } from "../base/bell.ts";
import type { Place, WorkerData, WorkerMessage } from "../config/worker-data.ts";
import { BusyPoll } from "../connection/busy-poll.ts";
import { monotonicNanoseconds } from "../libc/clocks.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { RECEIVE_BYTES } from "../memory/io-region.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NotifyBell, Sleeper, Waker } from "../ring/wake.ts";
import { endLoans, type Loans } from "../router/stores.ts";
import { Shard } from "../shard/shard.ts";
import type { Store } from "../store/store.ts";
import type { StoreReader } from "../store/store-reader.ts";
import { closeLeftovers } from "../transport/leftovers.ts";
import { NativeBell } from "../transport/native-bell.ts";
import { NativeParts, planNative } from "../transport/native-plan.ts";
import { createNativeTransport, nativeKind } from "../transport/native-transport.ts";
import { watchForFault } from "./planted-fault.ts";
import { ThreadMemory } from "./thread-memory.ts";
import { createServer } from "./thread-server.ts";
import { Turn } from "./turn.ts";

type Post = (message: WorkerMessage) => void;

/** A shard in the hands of its thread. */
interface OwnedShard {
  readonly store: Store;
  readonly shard: Shard;
  readonly sleeper: Sleeper;
  readonly waker: Waker;
  readonly loans: Loans;
  /** What a predecessor's death has cost. */
  readonly itemsDropped: number;
}

/** Serves until the node stops. `post` reaches the primary at once, whatever this thread does. */
export function runWorker(data: WorkerData, post: Post): void {
  const native = data.transport === "native";
  const libc = native || libcAvailable() ? Libc.load() : null;
  const memory = new ThreadMemory(data, libc);
  const { self, layout, settings } = data;
  const notify = new NotifyBell(memory.arena(layout.control).ints, memory.control);
  const bell = native && libc !== null ? new NativeBell(libc, data.bells, notify) : notify;
  if (libc !== null) wishHugePages(libc, memory);
  if (settings.extended.debug) watchForFault(memory.control, self);
  const owned = takeShard(memory, bell);
  if (libc !== null && self < layout.socketThreads) serveSockets(libc, memory, owned, post);
  else serveShard(memory, owned, post);
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

/** Takes over this thread's shard, and, from a predecessor that died, what it left behind. */
function takeShard(memory: ThreadMemory, bell: Bell): OwnedShard {
  const { self, layout, threadCount, incarnation } = memory.data;
  const { ints } = memory.arena(layout.control);
  const waker = new Waker(ints, memory.control, bell);
  const sleeper = new Sleeper(ints, memory.control, self);
  const loans = memory.loans(bell);
  let itemsDropped = 0;
  if (incarnation > 0) {
    itemsDropped += endLoans(loans, threadCount);
    sleeper.cancel(); // it may have died asleep, with its shard on loan
  }
  const store = memory.openStore(self);
  if (incarnation > 0) itemsDropped += store.recover();
  const shard = new Shard({
    self,
    store,
    arena: memory.arena(layout.links),
    base: layout.links.base,
    plan: memory.linkPlan,
    counters: memory.counters,
    waker,
  });
  if (incarnation > 0) shard.recoverLinks();
  (memory.readers[self] as StoreReader).setOwner(true);
  return { store, shard, sleeper, waker, loans, itemsDropped };
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
  const server = createServer({
    memory,
    transport,
    waker: owned.waker,
    ownStore: owned.store,
    busyPoll: new BusyPoll(busyPollMicroseconds, memory.counters, nanoseconds),
    loans: owned.loans,
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

/**
 * Stand-in: answers for a shard that has no thread, in the primary, until one takes it over.
 *
 *   the dead thread's connections   closed
 *   what it had on loan, its shard  repaired and given back, as its successor would
 *   requests to its shard           SERVER_ERROR; reads need no owner and go on
 *
 * Why: a worker's successor may not come up, for want of descriptors or memory. Whoever asks for
 * the shard would wait without an end, and so would a shard that the dead one had borrowed.
 *
 * It is the dead worker as far as shared memory can tell: the same rings, by the same rules. So a
 * successor that takes over after it finds what it would find after any other.
 */

import { Op } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { Libc, libcAvailable } from "../libc/libc.ts";
import { NotifyBell } from "../ring/wake.ts";
import type { Shard, ShardStore } from "../shard/shard.ts";
import type { Store } from "../store/store.ts";
import { closeLeftovers } from "../transport/leftovers.ts";
import { NativeBell } from "../transport/native-bell.ts";
import { NativeParts, planNative } from "../transport/native-plan.ts";
import type { WorkerData } from "./messages.ts";
import { takeShard } from "./owned-shard.ts";
import { ThreadMemory } from "./thread-memory.ts";

/** Requests refused in one turn of the primary's loop. */
const SERVE_MAX = 1024;

export class StandIn {
  readonly #shard: Shard;

  /** `data` is what a successor would be handed. The dead thread must have ended. */
  constructor(data: WorkerData) {
    const libc = libcAvailable() ? Libc.load() : null;
    const memory = new ThreadMemory(data, libc);
    const { self, layout } = data;
    const notify = new NotifyBell(memory.arena(layout.control).ints, memory.control);
    const isNative = data.transport === "native" && libc !== null;
    if (isNative && self < layout.socketThreads) closeConnections(libc, memory);
    const bell = isNative ? new NativeBell(libc, data.bells, notify) : notify;
    this.#shard = takeShard(memory, bell, (store) => new RefusingStore(store)).shard;
  }

  /** Answers what has come since. */
  serve(): void {
    this.#shard.serve(SERVE_MAX);
    this.#shard.publish();
  }
}

/** What a thread had open, and what it was dealt and has not taken. */
function closeConnections(libc: Libc, memory: ThreadMemory): void {
  const { layout, self } = memory.data;
  const place = layout.native[self] as { arena: number; base: number };
  const plan = planNative(layout.connectionSlots);
  const parts = new NativeParts(memory.arena(place), place.base, plan);
  closeLeftovers(libc, parts, memory.control);
  const { mailbox } = parts;
  while (mailbox.waiting() > 0) {
    libc.files.close(mailbox.first());
    mailbox.take();
    memory.control.addOpenConnections(-1);
  }
}

/** Gives back what is held in the shard, and changes nothing else. */
class RefusingStore implements ShardStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  execute(request: Request, reply: Reply): void {
    // An upload that misses a piece is nothing any more.
    const isUpload = request.op === Op.uploadData || request.op === Op.uploadEnd;
    if (isUpload) request.op = Op.uploadAbort;
    const givesBack = request.op === Op.release || request.op === Op.uploadAbort;
    if (givesBack) this.#store.execute(request, reply);
    if (givesBack && !isUpload) return;
    reply.status = Status.ownerLost;
    reply.marks = 0;
  }

  abortUploadsOf(requester: number): void {
    this.#store.abortUploadsOf(requester);
  }

  releaseLeasesOf(requester: number): void {
    this.#store.releaseLeasesOf(requester);
  }
}

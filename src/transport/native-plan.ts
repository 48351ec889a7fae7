/**
 * The shared memory of one worker's native transport.
 *
 *   base | FdTable | FdMailbox | events | io_uring's (uring-plan.ts) |
 *
 * Each part starts a cache line.
 *
 * It outlives the worker, so that a successor finds the descriptors. What is received goes to the
 * thread's I/O region (memory/io-region.ts), not here.
 */
import { CACHE_LINE_BYTES, roundUp } from "../base/unit.ts";
import type { Libc } from "../libc/libc.ts";
import { EPOLL_EVENT_BYTES } from "../libc/linux.ts";
import type { Arena } from "../memory/arena.ts";
import type { Control } from "../memory/control.ts";
import { FdMailbox, fdMailboxBytes } from "./fd-mailbox.ts";
import { FdTable, fdTableBytes } from "./fd-table.ts";
import { URING_BYTES } from "./uring/uring-plan.ts";

/** Most ready sockets one wait reports. */
export const EVENTS_MAX = 512;

export interface NativePlan {
  readonly connectionsMax: number;
  readonly tableOffset: number;
  readonly mailboxOffset: number;
  readonly eventsOffset: number;
  readonly uringOffset: number;
  readonly bytes: number;
}

/** Where the parts lie for at most `connectionsMax` connections of one worker. */
export function planNative(connectionsMax: number): NativePlan {
  const mailboxOffset = fdTableBytes(connectionsMax);
  const eventsOffset = mailboxOffset + fdMailboxBytes(connectionsMax);
  const uringOffset = eventsOffset + roundUp(EVENTS_MAX * EPOLL_EVENT_BYTES, CACHE_LINE_BYTES);
  return {
    connectionsMax,
    tableOffset: 0,
    mailboxOffset,
    eventsOffset,
    uringOffset,
    bytes: uringOffset + URING_BYTES,
  };
}

/** The parts that both the primary and the worker hold. */
export class NativeParts {
  readonly plan: NativePlan;
  readonly arena: Arena;
  readonly base: number;
  readonly table: FdTable;
  readonly mailbox: FdMailbox;

  constructor(arena: Arena, base: number, plan: NativePlan) {
    this.plan = plan;
    this.arena = arena;
    this.base = base;
    this.table = new FdTable(arena, base + plan.tableOffset, plan.connectionsMax);
    this.mailbox = new FdMailbox(arena, base + plan.mailboxOffset, plan.connectionsMax);
  }
}

/** What a thread's transport is made of. */
export interface NativeOptions {
  readonly libc: Libc;
  readonly parts: NativeParts;
  readonly control: Control;
  /** This thread's eventfd. */
  readonly bellFd: number;
  /** Where received bytes are put: [offset, offset + bytes) of an arena. */
  readonly input: { readonly arena: Arena; readonly offset: number; readonly bytes: number };
}

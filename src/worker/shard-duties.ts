/**
 * Shard duties: what a worker does in a loop turn beside its connections: the clock, new
 * connections, requests of other threads, background work of its store, and going to sleep without
 * losing a signal (ring/wake.ts).
 */
import type { Duties } from "../connection/connections-parts.ts";
import { ServerState } from "../memory/control.ts";
import type { Sleeper } from "../ring/wake.ts";
import type { Shard } from "../shard/shard.ts";
import type { Store } from "../store/store.ts";
import type { FdMailbox } from "../transport/fd-mailbox.ts";
import type { NativeTransport } from "../transport/native-transport.ts";
import type { Front } from "./front.ts";
import type { ThreadMemory } from "./thread-memory.ts";

/** Requests of other threads served in one turn, before the sockets have theirs. */
const SERVE_MAX = 256;
/** Background work of one turn: some tens of microseconds. */
const SWEEP_BYTES = 64 * 1024;
/** While the node stops: how often a worker looks whether the others' connections are gone. */
const DRAIN_POLL_MS = 20;
/** The clock moves once a second, and nobody rings for that. */
const SLEEP_MS_MAX = 1000;

export interface ShardDutiesParts {
  readonly memory: ThreadMemory;
  readonly store: Store;
  readonly shard: Shard;
  readonly sleeper: Sleeper;
}

export class ShardDuties implements Duties {
  readonly #memory: ThreadMemory;
  readonly #store: Store;
  readonly #shard: Shard;
  readonly #sleeper: Sleeper;
  #front: Front | null = null;
  #transport: NativeTransport | null = null;
  #mailbox: FdMailbox | null = null;
  #sweeping = false;
  #draining = false;

  constructor(parts: ShardDutiesParts) {
    this.#memory = parts.memory;
    this.#store = parts.store;
    this.#shard = parts.shard;
    this.#sleeper = parts.sleeper;
  }

  /** Names what the thread serves its sockets with. */
  attach(front: Front, transport: NativeTransport, mailbox: FdMailbox): void {
    this.#front = front;
    this.#transport = transport;
    this.#mailbox = mailbox;
  }

  begin(): void {
    this.#lookAtClock();
    if (this.#mailbox !== null) this.#adopt(this.#mailbox);
  }

  end(busy: boolean): number {
    const served = this.#shard.serve(SERVE_MAX);
    this.#shard.publish();
    if (this.#sweeping) this.#sweeping = this.#store.sweep(SWEEP_BYTES);
    if (this.#memory.control.state() >= ServerState.draining) this.#drain();
    if (busy || this.#sweeping || served === SERVE_MAX) return 0;
    this.#sleeper.prepare();
    if (!this.#hasNews()) return this.#draining ? DRAIN_POLL_MS : SLEEP_MS_MAX;
    this.#sleeper.cancel();
    return 0;
  }

  /** The clock first: the requests that woke the thread are served before `begin`. */
  awake(): void {
    this.#sleeper.cancel();
    this.#lookAtClock();
  }

  /** The whole life of a worker without sockets. */
  runAlone(): void {
    const { observer, clock } = this.#memory;
    while (!this.#isOver()) {
      observer.turnBegan();
      const second = clock.now;
      this.begin();
      if (clock.now !== second) observer.tick();
      const sleepMs = this.end(false);
      observer.turnEnded();
      if (sleepMs > 0) this.#sleeper.wait(sleepMs);
    }
  }

  #lookAtClock(): void {
    const { clock, control } = this.#memory;
    const now = control.now();
    if (now === clock.now) return;
    clock.now = now;
    this.#store.tick();
    this.#sweeping = true;
  }

  #hasNews(): boolean {
    if (this.#shard.isReady()) return true;
    if (this.#front?.router.isReady() === true) return true;
    return (this.#mailbox?.waiting() ?? 0) > 0;
  }

  #adopt(mailbox: FdMailbox): void {
    while (mailbox.waiting() > 0) {
      const transport = this.#transport as NativeTransport;
      if (!transport.adopt(mailbox.first(), mailbox.firstListener())) break;
      mailbox.take();
    }
  }

  #drain(): void {
    if (!this.#draining) {
      this.#draining = true;
      this.#front?.connections.drain();
    }
    if (this.#isOver()) this.#transport?.stop();
  }

  /**
   * The node stops, and no thread has a connection left whose requests this shard would have to
   * answer.
   */
  #isOver(): boolean {
    const { control } = this.#memory;
    return control.state() >= ServerState.draining && control.openConnections() <= 0;
  }
}

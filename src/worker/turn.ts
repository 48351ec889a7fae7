/**
 * Turn: what a thread does each time its loop comes round, in order.
 *
 *   transport   waits, then hands every ready socket's bytes to the connections
 *   turn()      clock · new descriptors · replies of other shards · connections that can go on · publish what they sent
 *               · requests for this shard · sweep · end of the node? · poll or sleep
 *   transport   closes what was closed, and waits as long as `turn` says
 *
 * A worker with sockets does all of it; a worker that only serves its shard has no server, and waits
 * by itself (`runAlone`); the primary, under the node transport, has a server and no shard.
 *
 * Why this order: what came from other threads is served before new work is sent to them, and the
 * sockets go first, since somebody waits at each. No thread sleeps before it has said that it will
 * and has looked once more (ring/wake.ts): the last lines of `#rest`.
 */
import type { Clock } from "../base/clock.ts";
import type { BusyPoll } from "../connection/busy-poll.ts";
import type { Connections } from "../connection/connections.ts";
import { type Control, ServerState } from "../memory/control.ts";
import type { Sleeper } from "../ring/wake.ts";
import type { Router } from "../router/router.ts";
import type { Shard } from "../shard/shard.ts";
import type { Observer } from "../stats/observer.ts";
import type { Store } from "../store/store.ts";
import type { FdMailbox } from "../transport/fd-mailbox.ts";
import type { LoopHandler } from "../transport/transport.ts";

/** Requests of other threads served in one turn, before the sockets have theirs. */
export const SERVE_MAX = 256;
/** Background work of one turn: some tens of microseconds. */
const SWEEP_BYTES = 64 * 1024;
/** While the node stops: how often a worker looks whether the others' connections are gone. */
export const DRAIN_POLL_MS = 20;
/** The clock moves once a second, and nobody rings for that. */
export const SLEEP_MS_MAX = 1000;

/** What serves a thread's sockets. */
export interface TurnServer {
  readonly connections: Pick<
    Connections,
    "takeReplies" | "goOn" | "hasReady" | "sleepMsMax" | "second" | "drain"
  >;
  readonly router: Pick<Router, "publish" | "isReady">;
  readonly busyPoll: Pick<BusyPoll, "goesOn" | "wasIdle">;
}

/** Descriptors that the primary accepted for this thread. */
export interface Arrivals {
  readonly mailbox: Pick<FdMailbox, "waiting" | "first" | "firstListener" | "take">;
  /** False when no more can be taken now. */
  adopt(fd: number, listener: number): boolean;
}

export interface TurnParts {
  readonly clock: Clock;
  readonly control: Pick<Control, "now" | "state" | "openConnections">;
  readonly observer: Pick<Observer, "turnBegan" | "turnAgain" | "turnEnded" | "tick">;
  readonly sleeper: Pick<Sleeper, "prepare" | "cancel" | "wait">;
  /** The shard this thread owns; null in the primary. */
  readonly own: {
    readonly store: Pick<Store, "tick" | "sweep">;
    readonly shard: Pick<Shard, "serve" | "publish" | "isReady">;
  } | null;
  /** Null in a worker without sockets. */
  readonly server: TurnServer | null;
  readonly arrivals: Arrivals | null;
  /** Ends the transport's loop: the node stops, and no connection is left anywhere. */
  readonly stop: () => void;
}

export class Turn implements LoopHandler {
  readonly #parts: TurnParts;
  /** The second whose work is done. */
  #second: number;
  #isSweeping = false;
  #isDraining = false;

  constructor(parts: TurnParts) {
    this.#parts = parts;
    this.#second = parts.clock.now;
  }

  turn(): number {
    const { own, server } = this.#parts;
    this.#lookAtClock();
    this.#secondPassed();
    this.#adopt();
    if (server !== null) {
      server.connections.takeReplies();
      server.connections.goOn();
      server.router.publish();
    }
    const served = own === null ? 0 : own.shard.serve(SERVE_MAX);
    own?.shard.publish();
    if (own !== null && this.#isSweeping) this.#isSweeping = own.store.sweep(SWEEP_BYTES);
    if (this.#parts.control.state() >= ServerState.draining) this.#drain();
    return this.#rest(this.#isSweeping || served === SERVE_MAX);
  }

  /** The clock first: what woke the thread is served before the next `turn`. */
  awake(): void {
    this.#parts.sleeper.cancel();
    this.#lookAtClock();
    this.#parts.observer.turnBegan();
  }

  /** The whole life of a worker without sockets. */
  runAlone(): void {
    this.#parts.observer.turnBegan();
    while (!this.#isOver()) {
      const sleepMs = this.turn();
      if (sleepMs === 0) continue;
      this.#parts.sleeper.wait(sleepMs);
      this.awake();
    }
  }

  #lookAtClock(): void {
    const { clock, control, own } = this.#parts;
    const now = control.now();
    if (now === clock.now) return;
    clock.now = now;
    own?.store.tick();
    this.#isSweeping = own !== null;
  }

  /** What is done once a second. */
  #secondPassed(): void {
    const { clock, observer, server } = this.#parts;
    if (clock.now === this.#second) return;
    this.#second = clock.now;
    observer.tick();
    server?.connections.second();
  }

  #adopt(): void {
    const { arrivals } = this.#parts;
    if (arrivals === null) return;
    const { mailbox } = arrivals;
    while (mailbox.waiting() > 0) {
      if (!arrivals.adopt(mailbox.first(), mailbox.firstListener())) break;
      mailbox.take();
    }
  }

  #drain(): void {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#parts.server?.connections.drain();
    }
    if (this.#isOver()) this.#parts.stop();
  }

  /**
   * The node stops, and no thread has a connection left whose requests this shard would have to
   * answer.
   */
  #isOver(): boolean {
    const { control } = this.#parts;
    return control.state() >= ServerState.draining && control.openConnections() <= 0;
  }

  /** Ends the turn. Milliseconds the thread may sleep; 0 when it goes on at once. */
  #rest(isBusy: boolean): number {
    const { observer, server } = this.#parts;
    const polls = server?.busyPoll.goesOn() === true;
    const wasIdle = server?.busyPoll.wasIdle === true;
    if (!wasIdle) observer.turnEnded();
    const goesOn = isBusy || polls || server?.connections.hasReady() === true;
    const sleepMs = goesOn ? 0 : this.#sleepMs();
    if (sleepMs === 0 && wasIdle) observer.turnAgain();
    else if (sleepMs === 0) observer.turnBegan();
    return sleepMs;
  }

  /** Says that this thread sleeps, and looks again. */
  #sleepMs(): number {
    const { sleeper, server } = this.#parts;
    sleeper.prepare();
    if (this.#hasNews()) {
      sleeper.cancel();
      return 0;
    }
    const longest = this.#isDraining ? DRAIN_POLL_MS : SLEEP_MS_MAX;
    return server === null ? longest : Math.min(longest, server.connections.sleepMsMax());
  }

  #hasNews(): boolean {
    const { own, server, arrivals } = this.#parts;
    if (own?.shard.isReady() === true) return true;
    if (server?.router.isReady() === true) return true;
    return arrivals !== null && arrivals.mailbox.waiting() > 0;
  }
}

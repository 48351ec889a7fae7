/**
 * Upload queue: connections whose large value found no room in its shard, in the order in which
 * they came.
 *
 *   refused ─▶ waits ── the shard's room sequence moves ──▶ asks again ─▶ granted, or waits on
 *                └───── nothing moved for seconds ────────▶ asks for the last time
 *
 * Why: room for values under way is bounded, and most of it is given back within milliseconds: by
 * values that end, or by clients that are gone and whose close this node has yet to see. An error
 * would be the client's to handle, and costs the key its old value.
 *
 * What one waits for is a word of shared memory, looked at once a turn: no message, and no owner to
 * know who waits. Those who wait are not read, so each costs a receive buffer at most.
 */
import type { Clock } from "../base/clock.ts";
import { ConnectionState } from "../memory/connection-table.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import type { Connection } from "./connection.ts";
import { ConnectionList } from "./connection-list.ts";
import { NOT_WAITING, type Wait } from "./wait.ts";

/** Connections of one thread that may wait; one more is refused at once. */
export const UPLOADS_WAITING_MAX = 256;
/** How long one waits while nobody gives room back. */
export const STILL_SECONDS_MAX = 3;
/** How long one waits while others always come first. */
export const WAIT_SECONDS_MAX = 60;
/** How soon a sleeping thread looks again. */
export const ROOM_POLL_MS = 10;

export class UploadQueue {
  readonly #shards: readonly ShardMemory[];
  readonly #clock: Clock;
  #waiting = new ConnectionList();
  #waitingNext = new ConnectionList();

  /** `shards`: by number. */
  constructor(shards: readonly ShardMemory[], clock: Clock) {
    this.#shards = shards;
    this.#clock = clock;
  }

  /** Connections that wait. */
  get count(): number {
    return this.#waiting.count;
  }

  /** False when no more may wait. */
  hasPlace(): boolean {
    return this.#waiting.count < UPLOADS_WAITING_MAX;
  }

  /**
   * Before a shard is asked for room: notes what it has given back so far. False when this try must
   * be the last.
   */
  mayWait(wait: Wait, shard: number): boolean {
    wait.roomShard = shard;
    wait.roomSeen = this.#roomSequence(shard);
    if (!this.hasPlace()) return false;
    if (wait.roomSince === NOT_WAITING) return true;
    const now = this.#clock.now;
    return now < wait.roomUntil && now - wait.roomSince < WAIT_SECONDS_MAX;
  }

  /** There was none: it waits from now on, or goes on waiting. */
  wait(connection: Connection): void {
    const wait = connection.wait as Wait;
    if (wait.roomSince === NOT_WAITING) {
      wait.roomSince = this.#clock.now;
      wait.roomUntil = this.#clock.now + STILL_SECONDS_MAX;
    }
    this.#waiting.add(connection);
  }

  /** Moves those who are to ask again to `ready`; who no longer waits is forgotten. */
  takeReady(ready: ConnectionList): void {
    const waiting = this.#waiting;
    this.#waiting = this.#waitingNext;
    this.#waitingNext = waiting;
    const now = this.#clock.now;
    for (let at = 0; at < waiting.count; at++) {
      const connection = waiting.at(at);
      if (connection.state !== ConnectionState.crowded) continue;
      const wait = connection.wait as Wait;
      const moved = this.#roomSequence(wait.roomShard) !== wait.roomSeen;
      if (moved) wait.roomUntil = now + STILL_SECONDS_MAX;
      if (moved || now >= wait.roomUntil) ready.add(connection);
      else this.#waiting.add(connection);
    }
    waiting.clear();
  }

  #roomSequence(shard: number): number {
    return (this.#shards[shard] as ShardMemory).header.roomSequence();
  }
}

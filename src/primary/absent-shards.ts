/**
 * Absent shards: those whose next thread does not come up. Each has a stand-in here, in the
 * primary's thread, which answers for it; `/readyz` and the health sentence know of them by the
 * control block.
 */
import { assert } from "../base/assert.ts";
import type { Control } from "../memory/control.ts";
import type { WorkerData } from "../worker/messages.ts";
import { StandIn } from "../worker/stand-in.ts";

/** How often their requests are answered: they are refused, so nobody waits for speed. */
const LOOK_MILLISECONDS = 20;

export class AbsentShards {
  readonly #control: Control;
  readonly #standIns = new Map<number, StandIn>();
  #timer: NodeJS.Timeout | null = null;

  constructor(control: Control) {
    this.#control = control;
  }

  /** Answers for a shard from now on. `data` is what its next thread would be handed. */
  begin(data: WorkerData): void {
    if (this.#standIns.has(data.self)) return;
    assert(data.incarnation > 0, "only a shard whose thread has died is absent");
    this.#control.setAbsent(data.self, true);
    this.#standIns.set(data.self, new StandIn(data));
    this.#timer ??= setInterval(() => this.#serve(), LOOK_MILLISECONDS);
  }

  /** A thread serves the shard again. */
  served(self: number): void {
    this.#control.setAbsent(self, false);
  }

  /** A thread takes the shard over: from here on its rings are that thread's. */
  end(self: number): void {
    this.#standIns.delete(self);
    if (this.#standIns.size === 0) this.stop();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #serve(): void {
    for (const standIn of this.#standIns.values()) standIn.serve();
  }
}

import { describe, expect, test } from "vitest";
import { Clock } from "../../../src/base/clock.ts";
import { MIB, type ServerSeconds } from "../../../src/base/unit.ts";
import { Connection, Event } from "../../../src/connection/connection.ts";
import { ConnectionList } from "../../../src/connection/connection-list.ts";
import { Step } from "../../../src/connection/step.ts";
import {
  STILL_SECONDS_MAX,
  UPLOADS_WAITING_MAX,
  UploadQueue,
  WAIT_SECONDS_MAX,
} from "../../../src/connection/upload-queue.ts";
import { WaitPool } from "../../../src/connection/wait.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { ShardMemory } from "../../../src/memory/shard-memory.ts";
import { planShard } from "../../../src/memory/shard-plan.ts";
import { WireState } from "../../../src/protocol/wire-state.ts";
import { Order } from "../../../src/router/order.ts";
import { Store } from "../../../src/store/store.ts";
import { OPTIONS } from "../../support/spoken.ts";

const SHARDS = 2;

class Crowd {
  readonly clock = new Clock(1_700_000_000);
  readonly shards = Array.from({ length: SHARDS }, emptyShard);
  readonly queue = new UploadQueue(this.shards, this.clock);
  readonly waits = new WaitPool(new Uint8Array(0));
  #slots = 0;

  arrive(shard: number): Connection {
    const wire = new WireState(OPTIONS);
    const connection = new Connection(this.#slots++, wire, new Order(), this.clock.now);
    expect(this.queue.mayWait(this.waits.of(connection), shard)).toBe(true);
    connection.become(Event.bytes);
    connection.become(Step.crowded);
    this.queue.wait(connection);
    return connection;
  }

  /** It asks again: whether it may wait on. */
  mayWait(connection: Connection, shard: number): boolean {
    return this.queue.mayWait(this.waits.of(connection), shard);
  }

  pass(seconds: number): void {
    this.clock.now = (this.clock.now + seconds) as ServerSeconds;
  }

  /** Those who are to ask again. */
  ready(): Connection[] {
    const list = new ConnectionList();
    this.queue.takeReady(list);
    return Array.from({ length: list.count }, (_, at) => list.at(at));
  }
}

function emptyShard(): ShardMemory {
  const plan = planShard(8 * MIB, MIB);
  const arena = new Arena(new SharedArrayBuffer(plan.regionBytes));
  Store.format(arena, 0, plan);
  return new ShardMemory(arena, 0);
}

describe("UploadQueue", () => {
  test("those of a shard that has given room back ask again, first come first", () => {
    const crowd = new Crowd();
    const [first, other, second] = [crowd.arrive(0), crowd.arrive(1), crowd.arrive(0)];
    expect(crowd.ready()).toEqual([]);
    crowd.shards[0]?.header.noteRoom();
    expect(crowd.ready()).toEqual([first, second]);
    expect(crowd.queue.count).toBe(1);
    crowd.shards[1]?.header.noteRoom();
    expect(crowd.ready()).toEqual([other]);
  });

  test("room given back between the question and its answer is not missed", () => {
    const crowd = new Crowd();
    const early = crowd.arrive(0);
    crowd.shards[0]?.header.noteRoom();
    expect(crowd.ready()).toEqual([early]);
  });

  test("when nobody gives room back, the next try is the last", () => {
    const crowd = new Crowd();
    const waiting = crowd.arrive(0);
    crowd.pass(STILL_SECONDS_MAX - 1);
    expect(crowd.ready()).toEqual([]);
    crowd.pass(1);
    expect(crowd.ready()).toEqual([waiting]);
    expect(crowd.mayWait(waiting, 0)).toBe(false);
    crowd.waits.give(waiting); // refused for good: its next upload waits anew
    expect(crowd.mayWait(waiting, 0)).toBe(true);
  });

  test("patience begins anew whenever room was given back, up to a limit", () => {
    const crowd = new Crowd();
    const waiting = crowd.arrive(0);
    for (let passed = 0; passed < WAIT_SECONDS_MAX; passed++) {
      crowd.pass(1);
      crowd.shards[0]?.header.noteRoom();
      expect(crowd.ready()).toEqual([waiting]);
      const may = crowd.mayWait(waiting, 0);
      expect(may).toBe(passed + 1 < WAIT_SECONDS_MAX);
      if (may) crowd.queue.wait(waiting);
    }
  });

  test("no more may wait than the limit", () => {
    const crowd = new Crowd();
    for (let arrived = 0; arrived < UPLOADS_WAITING_MAX; arrived++) crowd.arrive(0);
    const wire = new WireState(OPTIONS);
    const late = new Connection(UPLOADS_WAITING_MAX, wire, new Order(), crowd.clock.now);
    expect(crowd.mayWait(late, 0)).toBe(false);
    expect(crowd.queue.hasPlace()).toBe(false);
  });

  test("a connection that has closed does not stay", () => {
    const crowd = new Crowd();
    crowd.arrive(0).become(Event.gone);
    crowd.ready();
    expect(crowd.queue.count).toBe(0);
  });
});

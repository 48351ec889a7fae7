/**
 * The turn with everything around it played: each part writes down that it was called, so a test
 * reads the order, and what the thread was allowed to sleep.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { Clock } from "../../../src/base/clock.ts";
import type { ServerSeconds } from "../../../src/base/unit.ts";
import { ServerState } from "../../../src/memory/control.ts";
import {
  DRAIN_POLL_MS,
  SERVE_MAX,
  SLEEP_MS_MAX,
  Turn,
  type TurnParts,
} from "../../../src/worker/turn.ts";

class Stage {
  readonly calls: string[] = [];
  readonly clock = new Clock(1_700_000_000);
  now: number = this.clock.now;
  state: ServerState = ServerState.serving;
  open = 1;
  /** Requests in the shard's rings; replies in the router's; whether room or replies came last. */
  requests = 0;
  shardReady = false;
  routerReady = false;
  ready = false;
  polls = false;
  wasIdle = false;
  sleepMsMax = Number.POSITIVE_INFINITY;
  sweeps = 0;
  posted: number[] = [];
  slotsFree = 8;
  slept: number[] = [];

  #did(call: string): void {
    this.calls.push(call);
  }

  turn(kind: "worker" | "alone" | "primary"): Turn {
    const own: TurnParts["own"] = {
      store: {
        tick: () => this.#did("store.tick"),
        sweep: () => {
          this.#did("sweep");
          return --this.sweeps > 0;
        },
      },
      shard: {
        serve: (most) => {
          this.#did("serve");
          const served = Math.min(most, this.requests);
          this.requests -= served;
          return served;
        },
        publish: () => this.#did("shard.publish"),
        isReady: () => this.shardReady,
      },
    };
    const stage = this;
    const server: TurnParts["server"] = {
      connections: {
        takeReplies: () => this.#did("replies"),
        goOn: () => this.#did("goOn"),
        hasReady: () => this.ready,
        sleepMsMax: () => this.sleepMsMax,
        second: () => this.#did("second"),
        drain: () => this.#did("drain"),
      },
      router: { publish: () => this.#did("publish"), isReady: () => this.routerReady },
      busyPoll: {
        goesOn: () => this.polls,
        get wasIdle() {
          return stage.wasIdle;
        },
      },
    };
    return new Turn({
      clock: this.clock,
      control: {
        now: () => this.now as ServerSeconds,
        state: () => this.state,
        openConnections: () => this.open,
      },
      observer: {
        turnBegan: () => this.#did("began"),
        turnAgain: () => this.#did("again"),
        turnEnded: () => this.#did("ended"),
        tick: () => this.#did("tick"),
      },
      sleeper: {
        prepare: () => this.#did("prepare"),
        cancel: () => this.#did("cancel"),
        wait: (milliseconds) => {
          this.slept.push(milliseconds);
          if (this.slept.length === 3) this.state = ServerState.draining;
          return false;
        },
      },
      own: kind === "primary" ? null : own,
      server: kind === "alone" ? null : server,
      arrivals:
        kind === "worker"
          ? {
              mailbox: {
                waiting: () => this.posted.length,
                first: () => this.posted[0] as number,
                firstListener: () => 0,
                take: () => this.posted.shift(),
              },
              adopt: (fd) => {
                if (this.slotsFree === 0) return false;
                this.slotsFree--;
                this.#did(`adopt ${fd}`);
                return true;
              },
            }
          : null,
      stop: () => this.#did("stop"),
    });
  }
}

describe("Turn", () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
  });

  test("does a worker's work in its order, then sleeps for a second", () => {
    stage.posted = [7, 8];
    const sleepMs = stage.turn("worker").turn();
    expect(stage.calls).toEqual([
      "adopt 7",
      "adopt 8",
      "replies",
      "goOn",
      "publish",
      "serve",
      "shard.publish",
      "ended",
      "prepare",
    ]);
    expect(sleepMs).toBe(SLEEP_MS_MAX);
  });

  test("when the second has passed: the store, the observer, idle connections; and a sweep", () => {
    const turn = stage.turn("worker");
    turn.turn();
    stage.calls.length = 0;
    stage.now += 1;
    stage.sweeps = 2;
    expect(turn.turn()).toBe(0); // the sweep has more to do
    expect(stage.clock.now).toBe(stage.now);
    expect(stage.calls.slice(0, 4)).toEqual(["store.tick", "tick", "second", "replies"]);
    expect(stage.calls).toContain("sweep");
    expect(turn.turn()).toBe(SLEEP_MS_MAX);
    expect(stage.calls.filter((call) => call === "second")).toEqual(["second"]);
    expect(stage.calls.filter((call) => call === "sweep")).toHaveLength(2);
  });

  test("awake(): the clock is right before anything is served, the second's work comes in turn()", () => {
    const turn = stage.turn("worker");
    stage.now += 5;
    turn.awake();
    expect(stage.clock.now).toBe(stage.now);
    expect(stage.calls).toEqual(["cancel", "store.tick", "began"]);
    turn.turn();
    expect(stage.calls).toContain("second");
  });

  test("takes no descriptor for which there is no slot", () => {
    stage.posted = [7, 8];
    stage.slotsFree = 1;
    stage.turn("worker").turn();
    expect(stage.posted).toEqual([8]);
  });

  for (const [name, given] of [
    ["a connection is ready", { ready: true }],
    ["it polls", { polls: true }],
    ["a ring had more than a turn's requests", { requests: SERVE_MAX }],
  ] as const) {
    test(`goes on at once, and never says that it sleeps, when ${name}`, () => {
      Object.assign(stage, given);
      expect(stage.turn("worker").turn()).toBe(0);
      expect(stage.calls).not.toContain("prepare");
      expect(stage.calls.at(-1)).toBe("began");
    });
  }

  for (const [name, given] of [
    ["a request for the shard", { shardReady: true }],
    ["a reply", { routerReady: true }],
    ["a descriptor", { posted: [9], slotsFree: 0 }],
  ] as const) {
    test(`says that it sleeps, then looks again: ${name} came in between`, () => {
      Object.assign(stage, given);
      expect(stage.turn("worker").turn()).toBe(0);
      expect(stage.calls.slice(-3)).toEqual(["prepare", "cancel", "began"]);
    });
  }

  test("a poll in vain is no turn: it is not counted, and the next begins when it ends", () => {
    stage.polls = true;
    stage.wasIdle = true;
    expect(stage.turn("worker").turn()).toBe(0);
    expect(stage.calls).not.toContain("ended");
    expect(stage.calls.at(-1)).toBe("again");
  });

  test("sleeps no longer than its connections allow", () => {
    stage.sleepMsMax = 10;
    expect(stage.turn("worker").turn()).toBe(10);
  });

  test("when the node stops: drains once, looks often, ends when no connection is left", () => {
    const turn = stage.turn("worker");
    stage.state = ServerState.draining;
    expect(turn.turn()).toBe(DRAIN_POLL_MS);
    turn.turn();
    expect(stage.calls.filter((call) => call === "drain")).toEqual(["drain"]);
    expect(stage.calls).not.toContain("stop");
    stage.open = 0;
    turn.turn();
    expect(stage.calls).toContain("stop");
  });

  test("a worker without sockets sleeps by itself until the node has stopped", () => {
    stage.open = 0;
    stage.turn("alone").runAlone();
    expect(stage.slept).toEqual([SLEEP_MS_MAX, SLEEP_MS_MAX, SLEEP_MS_MAX]);
    expect(stage.calls.slice(0, 4)).toEqual(["began", "serve", "shard.publish", "ended"]);
    expect(stage.calls).not.toContain("replies");
  });

  test("the primary has connections and no shard", () => {
    stage.now += 1;
    expect(stage.turn("primary").turn()).toBe(SLEEP_MS_MAX);
    expect(stage.calls).toEqual([
      "tick",
      "second",
      "replies",
      "goOn",
      "publish",
      "ended",
      "prepare",
    ]);
  });
});

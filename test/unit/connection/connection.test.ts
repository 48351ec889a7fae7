/** The state machine: the whole table, by state and event. */
import { describe, expect, test } from "vitest";
import type { ServerSeconds } from "../../../src/base/unit.ts";
import { Connection, Event, TRANSITIONS, takes } from "../../../src/connection/connection.ts";
import { Step } from "../../../src/connection/step.ts";
import { CONNECTION_STATE_NAMES, ConnectionState } from "../../../src/memory/connection-table.ts";
import { WireState } from "../../../src/protocol/wire-state.ts";
import { Order } from "../../../src/router/order.ts";
import { OPTIONS } from "../../support/spoken.ts";

const STATES = Object.values(ConnectionState);
const EVENTS = [...Object.values(Step), ...Object.values(Event)];
/** How a fresh connection gets into each state. */
const WAY: Readonly<Record<number, readonly (Step | Event)[]>> = {
  [ConnectionState.closed]: [Event.gone],
  [ConnectionState.reading]: [],
  [ConnectionState.receiving]: [Event.bytes, Step.value],
  [ConnectionState.swallowing]: [Event.bytes, Step.swallows],
  [ConnectionState.executing]: [Event.bytes],
  [ConnectionState.ready]: [Event.bytes, Step.yields],
  [ConnectionState.awaiting]: [Event.bytes, Step.awaits],
  [ConnectionState.behind]: [Event.bytes, Step.behind],
  [ConnectionState.refused]: [Event.bytes, Step.refused],
  [ConnectionState.crowded]: [Event.bytes, Step.crowded],
  [ConnectionState.draining]: [Event.bytes, Step.noRoom],
  [ConnectionState.quiet]: [Event.bytes, Step.quiet],
  [ConnectionState.closing]: [Event.bytes, Step.quits],
};

function inState(state: ConnectionState): Connection {
  const wire = new WireState(OPTIONS);
  const connection = new Connection(0, wire, new Order(), 0 as ServerSeconds);
  for (const event of WAY[state] ?? []) connection.become(event);
  expect(connection.state).toBe(state);
  return connection;
}

describe("the states of a connection", () => {
  test("every one is reached, and has a name for stats conns", () => {
    for (const state of STATES) {
      if (state === ConnectionState.listening) continue;
      inState(state);
    }
    expect(CONNECTION_STATE_NAMES).toHaveLength(STATES.length);
    expect(new Set(STATES).size).toBe(STATES.length);
  });

  test("events have numbers of their own, and none is an end of a request", () => {
    expect(new Set(EVENTS).size).toBe(EVENTS.length);
    for (const [, event] of TRANSITIONS) expect(event).toBeGreaterThan(Step.again);
  });

  test("an event leads where its row says; any other stops the process", () => {
    for (const state of STATES) {
      if (WAY[state] === undefined) continue;
      for (const event of EVENTS) {
        const rows = TRANSITIONS.filter((row) => row[0].includes(state) && row[1] === event);
        expect(rows.length, `${state} on ${event} is said once`).toBeLessThanOrEqual(1);
        const connection = inState(state);
        expect(takes(state, event)).toBe(rows.length === 1);
        if (rows[0] === undefined) {
          expect(() => connection.become(event)).toThrow("knows what can happen");
          continue;
        }
        connection.become(event);
        expect(connection.state).toBe(rows[0][2]);
      }
    }
  });

  test("what waits is woken by what it waits for, and by nothing else", () => {
    const wakes: Readonly<Record<number, readonly Event[]>> = {
      [ConnectionState.awaiting]: [Event.replied],
      [ConnectionState.behind]: [Event.settled],
      [ConnectionState.refused]: [Event.ringRoom],
      [ConnectionState.crowded]: [Event.shardRoom],
      [ConnectionState.draining]: [Event.drained, Event.settled],
      [ConnectionState.quiet]: [Event.polled],
    };
    for (const [state, events] of Object.entries(wakes)) {
      const woken = Object.values(Event).filter((event) =>
        TRANSITIONS.some(
          ([froms, by, to]) =>
            froms.includes(Number(state) as ConnectionState) &&
            by === event &&
            to === ConnectionState.ready,
        ),
      );
      expect(woken.sort(), state).toEqual([...events].sort());
    }
  });

  test("whatever it is doing, its end closes it; nothing wakes the closed", () => {
    for (const state of STATES) {
      if (WAY[state] === undefined || state === ConnectionState.closed) continue;
      const connection = inState(state);
      connection.become(Event.gone);
      expect(connection.state).toBe(ConnectionState.closed);
    }
    expect(EVENTS.filter((event) => takes(ConnectionState.closed, event))).toEqual([]);
  });
});

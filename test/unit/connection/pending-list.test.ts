import { beforeEach, describe, expect, test } from "vitest";
import type { Connection } from "../../../src/connection/connection.ts";
import {
  NO_PENDING,
  PENDING_MAX,
  PENDING_PER_CONNECTION_MAX,
  PendingKind,
} from "../../../src/connection/pending-table.ts";
import { Step } from "../../../src/connection/step.ts";
import type { Operation } from "../../../src/connection/wait.ts";
import { Outcome } from "../../../src/router/outcome.ts";
import { Desk } from "./desk.ts";

const OPERATION: Operation = { run: () => Step.done };

describe("PendingList", () => {
  let desk: Desk;
  let connection: Connection;

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
  });

  for (const [name, outcome, step] of [
    ["busy", Outcome.busy, Step.behind],
    ["full", Outcome.full, Step.refused],
    ["done", Outcome.done, Step.done],
    ["described", Outcome.described, Step.done],
  ] as const) {
    test(`${name}: the token was not used`, () => {
      const token = desk.pendings.token(connection);
      const request = desk.parse("gat 0 a\r\n");
      expect(desk.pendings.awaits(connection, request, outcome, OPERATION)).toBe(step);
      expect(desk.pendings.token(connection)).toBe(token);
      expect(connection.wait).toBeNull();
    });
  }

  test("sent: the entry with that token, and the operation that gets its reply", () => {
    const token = desk.pendings.token(connection);
    const request = desk.parse("gat 0 a\r\n");
    expect(desk.pendings.awaits(connection, request, Outcome.sent, OPERATION)).toBe(Step.awaits);
    expect(connection.pendingFirst).toBe(token);
    expect(desk.table.kind(token)).toBe(PendingKind.wait);
    expect(desk.table.slot(token)).toBe(connection.slot);
    expect(connection.wait?.operation === OPERATION).toBe(true);
  });

  test("in request order", () => {
    for (let sent = 0; sent < 3; sent++) {
      desk.pendings.leaveSilence(connection, desk.parse("touch k 1 noreply\r\n"));
    }
    const { pendingFirst } = connection;
    const second = desk.table.next(pendingFirst);
    expect(desk.table.next(second)).toBe(connection.pendingLast);
    expect(desk.table.next(connection.pendingLast)).toBe(NO_PENDING);
    expect(connection.pendingCount).toBe(3);
  });

  test("no token beyond a connection's share, nor beyond the table's", () => {
    const request = desk.parse("touch k 1 noreply\r\n");
    for (let sent = 0; sent < PENDING_PER_CONNECTION_MAX; sent++) {
      expect(desk.pendings.token(connection)).not.toBe(NO_PENDING);
      desk.pendings.leaveSilence(connection, request);
    }
    expect(desk.pendings.token(connection)).toBe(NO_PENDING);
    expect(desk.pendings.withoutToken(connection)).toBe(Step.behind);
    const other = desk.connection();
    for (let taken = PENDING_PER_CONNECTION_MAX; taken < PENDING_MAX; taken++) {
      expect(desk.pendings.token(other)).not.toBe(NO_PENDING);
      desk.table.take(9, PendingKind.silent, 0);
    }
    expect(desk.pendings.token(other)).toBe(NO_PENDING);
    expect(desk.pendings.withoutToken(other)).toBe(Step.refused);
  });

  test("abandoned: answered entries are free, the others when their replies come", () => {
    const request = desk.parse("touch k 1 noreply\r\n");
    const first = desk.pendings.token(connection);
    desk.pendings.leaveSilence(connection, request);
    const second = desk.pendings.token(connection);
    desk.pendings.leaveSilence(connection, request);
    desk.table.settle(first);
    desk.pendings.abandon(connection);
    expect(desk.table.slot(second)).toBe(-1);
    expect(desk.table.peek()).toBe(first);
    desk.table.give(second);
    expect(desk.table.peek()).toBe(second);
  });
});

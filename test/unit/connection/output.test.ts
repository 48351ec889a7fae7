import { describe, expect, test } from "vitest";
import { Reply } from "../../../src/command/reply.ts";
import { Status } from "../../../src/command/status.ts";
import type { Connection } from "../../../src/connection/connection.ts";
import { BLOCK_BYTES_MAX, NO_BLOCK } from "../../../src/memory/block-pool.ts";
import { Desk, status } from "./desk.ts";

let desk: Desk;

function write(connection: Connection, text: string): void {
  expect(desk.output.reserve(connection, text.length)).toBe(true);
  desk.output.at += Buffer.from(text).copy(desk.arena.bytes, desk.output.at);
}

function reply(connection: Connection, text: string): void {
  desk.output.open(connection);
  write(connection, text);
  desk.output.close(connection);
}

/** A set that was sent to another shard; its entry. */
function hole(connection: Connection): number {
  const request = desk.parse("set apple 0 0 3\r\nred\r\n");
  const pending = desk.table.peek();
  desk.output.reserve(connection, desk.encoder.bound(request));
  desk.pendings.leaveHole(connection, request, desk.encoder.bound(request));
  return pending;
}

function answer(connection: Connection, pending: number, of: Status): void {
  const answered = new Reply(desk.arena.bytes);
  status(of)(answered);
  desk.table.settle(pending);
  connection.unsettled--;
  desk.replies.fill(pending, connection.outBlock, desk.parse("get a\r\n"), answered);
}

describe("Output", () => {
  test("sends a turn's replies at once, and keeps no block", () => {
    desk = new Desk();
    const connection = desk.connection();
    desk.output.open(connection);
    write(connection, "one ");
    write(connection, "two");
    expect(desk.transport.sent).toBe("");
    desk.output.close(connection);
    expect(desk.transport.sent).toBe("one two");
    expect([connection.outBlock, connection.isBlocked]).toEqual([NO_BLOCK, false]);
  });

  test("keeps what the socket does not take, and sends it before what is written later", () => {
    desk = new Desk();
    const connection = desk.connection();
    desk.transport.room = 3;
    reply(connection, "one two");
    expect(connection.isBlocked).toBe(true);
    reply(connection, " three");
    expect(desk.transport.sent).toBe("one");
    desk.transport.room = 6;
    expect(desk.output.drain(connection)).toBe(false);
    desk.transport.room = 100;
    expect(desk.output.drain(connection)).toBe(true);
    expect(desk.transport.sent).toBe("one two three");
    expect(connection.outBlock).toBe(NO_BLOCK);
  });

  test("holes: nothing behind the first leaves before all are filled; then they close up", () => {
    desk = new Desk();
    const connection = desk.connection();
    desk.output.open(connection);
    write(connection, "<");
    const first = hole(connection);
    write(connection, "|");
    const second = hole(connection);
    write(connection, ">");
    desk.output.close(connection);
    answer(connection, second, Status.notStored);
    expect(desk.transport.sent).toBe("");
    answer(connection, first, Status.stored);
    desk.output.settle(connection);
    desk.output.open(connection);
    desk.output.close(connection);
    expect(desk.transport.sent).toBe("<STORED\r\n|NOT_STORED\r\n>");
    expect([connection.holes, connection.pendingCount]).toEqual([0, 0]);
    expect(connection.outBlock).toBe(NO_BLOCK);
  });

  test("with holes it grows, up to the largest block, and then has no room", () => {
    desk = new Desk();
    const connection = desk.connection();
    desk.output.open(connection);
    hole(connection);
    let written = desk.output.position();
    while (desk.output.reserve(connection, 60_000)) {
      desk.output.at += 60_000;
      written += 60_000;
      expect(desk.output.position()).toBe(written);
    }
    expect(written).toBeLessThanOrEqual(BLOCK_BYTES_MAX);
    expect(desk.transport.sent).toBe("");
  });

  test("a socket that is gone is known after the next send", () => {
    desk = new Desk();
    const connection = desk.connection();
    desk.transport.isGone = true;
    reply(connection, "one");
    expect(connection.isBroken).toBe(true);
    expect(connection.outBlock).toBe(NO_BLOCK);
  });
});

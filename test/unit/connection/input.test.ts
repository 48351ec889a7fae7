import { describe, expect, test } from "vitest";
import { BLOCK_BYTES_MAX, NO_BLOCK } from "../../../src/memory/block-pool.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { Desk } from "./desk.ts";

const text = (desk: Desk, start: number, end: number) =>
  Buffer.from(desk.arena.bytes.subarray(start, end)).toString();

describe("Input", () => {
  test("keeps what was not served, and holds no block when all was", () => {
    const desk = new Desk();
    const connection = desk.connection();
    desk.input.open(0, desk.receive("get apple\r\nget pe"));
    expect(desk.input.take(11)).toBe(11);
    expect(desk.input.close(connection)).toBe(true);
    expect(text(desk, connection.inStart, connection.inEnd)).toBe("get pe");
    desk.input.open(connection.inStart, connection.inEnd);
    expect(desk.input.take(100)).toBe(6); // no more than is left
    expect(desk.input.close(connection)).toBe(true);
    expect(connection.inBlock).toBe(NO_BLOCK);
  });

  test("adds behind what is kept: in place, from the block's start, or in a larger one", () => {
    const desk = new Desk();
    const connection = desk.connection();
    let kept = "";
    for (const piece of ["a".repeat(3000), "b".repeat(1000), "c".repeat(9000)]) {
      expect(desk.input.append(connection, desk.arena.bytes, 0, desk.receive(piece))).toBe(true);
      kept += piece;
      expect(text(desk, connection.inStart, connection.inEnd)).toBe(kept);
    }
    const { inBlock } = connection;
    connection.inStart += 12_000; // served
    kept = kept.slice(12_000);
    const piece = "d".repeat(desk.pool.blockBytes(inBlock) - 1500);
    expect(desk.input.append(connection, desk.arena.bytes, 0, desk.receive(piece))).toBe(true);
    expect(connection.inBlock).toBe(inBlock);
    expect(text(desk, connection.inStart, connection.inEnd)).toBe(kept + piece);
  });

  test("takes nothing it has no memory for, and counts that", () => {
    const desk = new Desk();
    const connection = desk.connection();
    desk.input.append(connection, desk.arena.bytes, 0, desk.receive("kept"));
    expect(desk.input.append(connection, desk.arena.bytes, 0, BLOCK_BYTES_MAX)).toBe(false);
    expect(text(desk, connection.inStart, connection.inEnd)).toBe("kept");
    expect(desk.counters.value(Counter.readBufOom)).toBe(1);
  });
});

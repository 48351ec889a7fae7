import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { LogReader, LogWriter, logRingBytes } from "../../../src/memory/log-ring.ts";

const LINE = Buffer.from("a line of a hundred bytes".padEnd(99, ".").concat("\n"));
const READ_MAX = 64 * 1024;

function ring(): { writer: LogWriter; reader: LogReader } {
  const arena = new Arena(new SharedArrayBuffer(logRingBytes()));
  return { writer: new LogWriter(arena, 0), reader: new LogReader(arena, 0) };
}

describe("LogReader", () => {
  test("reads what is written after it was made, line by line", () => {
    const { writer, reader } = ring();
    writer.write(Buffer.from("one\n"));
    writer.write(Buffer.from("two\n"));
    expect(reader.read(READ_MAX).toString()).toBe("one\ntwo\n");
    expect(reader.read(READ_MAX)).toHaveLength(0);
    expect(reader.skipped).toBe(0);
  });

  for (const before of [0, 10]) {
    test(`one that was lapped is told how many lines it missed, after ${before} that it read`, () => {
      const { writer, reader } = ring();
      for (let i = 0; i < before; i++) writer.write(LINE);
      expect(reader.read(READ_MAX)).toHaveLength(before * LINE.length);
      for (let i = 0; i < 1000; i++) writer.write(LINE);
      expect(reader.read(READ_MAX)).toHaveLength(0);
      expect(reader.skipped).toBe(1000);
      writer.write(LINE);
      expect(reader.read(READ_MAX).equals(LINE)).toBe(true);
      expect(reader.skipped).toBe(1000);
    });
  }
});

import { describe, expect, test } from "vitest";
import { SOURCE_DONE, type Source } from "../../../../src/connection/source.ts";
import { Step } from "../../../../src/connection/step.ts";
import { Desk } from "../desk.ts";

function sourceOf(pieces: (string | number)[]): Source {
  return {
    endless: false,
    fill: (bytes, at) => {
      const piece = pieces.shift() ?? SOURCE_DONE;
      if (typeof piece === "number") return piece;
      bytes.set(Buffer.from(piece), at);
      return piece.length;
    },
    release: () => {},
  };
}

describe("SendSource", () => {
  test("writes what the source has, waits while it has nothing, ends with it", () => {
    const desk = new Desk();
    const connection = desk.connection();
    const request = desk.parse("stats\r\n", connection);
    expect(desk.send.begin(connection, sourceOf(["one ", "two", 0, " three"]))).toBe(Step.follows);
    expect(connection.wait?.operation === desk.send).toBe(true);
    expect(desk.run(desk.send, connection, request)).toBe(Step.quiet);
    expect(desk.written()).toBe("one two");
    expect(desk.run(desk.send, connection, request)).toBe(Step.done);
    expect(desk.written()).toBe(" three");
  });

  test("asks it for nothing while there is no room", () => {
    const desk = new Desk();
    const connection = desk.connection();
    const pieces = ["one"];
    desk.send.begin(connection, sourceOf(pieces));
    desk.fill(connection);
    expect(desk.run(desk.send, connection, desk.parse("stats\r\n"))).toBe(Step.noRoom);
    expect(pieces).toHaveLength(1);
  });
});

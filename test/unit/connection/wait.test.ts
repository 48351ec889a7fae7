import { describe, expect, test } from "vitest";
import type { Source } from "../../../src/connection/source.ts";
import { Desk } from "./desk.ts";

describe("Wait", () => {
  test("the request changes hands: the parser goes on with another", () => {
    const desk = new Desk();
    const connection = desk.connection();
    const request = desk.parse("get apple\r\n", connection);
    const wait = desk.waits.of(connection);
    const pooled = wait.request;
    expect(wait.putAside(request, 0, 11) === pooled).toBe(true);
    expect(wait.request === request).toBe(true);
  });

  test("its ranges move with the input", () => {
    const desk = new Desk();
    const connection = desk.connection();
    const request = desk.parse("ms apple 3 I c\r\nred\r\n", connection);
    const wait = desk.waits.of(connection);
    wait.putAside(request, 0, 21);
    desk.arena.bytes.copyWithin(5000, 0, 21);
    desk.arena.bytes.fill(0, 0, 21);
    wait.moveTo(5000);
    const read = (start: number, end: number) =>
      Buffer.from(desk.arena.bytes.subarray(start, end)).toString();
    expect(read(request.keyStart, request.keyEnd)).toBe("apple");
    expect(read(request.valueStart, request.valueEnd)).toBe("red");
    expect(read(request.lineStart, request.lineEnd)).toBe("ms apple 3 I c");
    expect(read(request.metaFlagsStart, request.lineEnd)).toContain("I c");
    wait.moveTo(5000); // it stays where it is
    expect(read(request.keyStart, request.keyEnd)).toBe("apple");
  });

  test("a base64 key is kept: it did not lie in the input", () => {
    const desk = new Desk();
    const connection = desk.connection();
    const request = desk.parse("mg YXBwbGU= b v\r\n", connection);
    const wait = desk.waits.of(connection);
    wait.putAside(request, 0, 17);
    desk.parse("mg cGVhcg== b v\r\n", connection); // the parser decodes into the same memory
    wait.moveTo(64);
    const { keyBytes, keyStart, keyEnd } = request;
    expect(Buffer.from(keyBytes.subarray(keyStart, keyEnd)).toString()).toBe("apple");
  });

  test("a request has no value but its own, whatever was parsed into its object before", () => {
    const desk = new Desk();
    const connection = desk.connection();
    const request = desk.parse("set apple 0 0 3\r\nred\r\n", connection);
    const end = desk.receive("set pear 0 0 100000\r\ndelete apple\r\n");
    for (let at = 0; at < end; ) {
      at += desk.parser.parse(connection.wire, request, desk.arena.bytes, at, end);
      expect(request.valueEnd - request.valueStart).toBe(0);
      desk.waits.of(connection).putAside(request, 0, at);
      desk.waits.of(connection).moveTo(50);
      expect([request.valueStart, request.valueEnd]).toEqual([0, 0]);
    }
  });

  test("what is handed over to another operation has no answer yet", () => {
    const desk = new Desk();
    const wait = desk.waits.of(desk.connection());
    wait.isAnswered = true;
    wait.goOnWith({ run: () => 0 });
    expect(wait.isAnswered).toBe(false);
  });
});

describe("WaitPool", () => {
  test("gives a connection one wait, and the next what was given back, blank", () => {
    const desk = new Desk();
    const [first, second] = [desk.connection(), desk.connection()];
    const wait = desk.waits.of(first);
    expect(desk.waits.of(first) === wait).toBe(true);
    let released = 0;
    const source: Source = { endless: false, fill: () => 0, release: () => released++ };
    Object.assign(wait, { source, isAnswered: true, hasFound: true, consumed: 5, roomSince: 9 });
    wait.operation = { run: () => 0 };
    desk.waits.give(first);
    expect(first.wait).toBeNull();
    expect(released).toBe(1);
    expect(desk.waits.of(second) === wait).toBe(true);
    const { source: held, isAnswered, hasFound, consumed, roomSince, operation } = wait;
    expect([held, isAnswered, hasFound, consumed, roomSince, operation]).toEqual([
      null,
      false,
      false,
      0,
      -1,
      null,
    ]);
    expect(desk.waits.of(first) === wait).toBe(false);
  });

  test("is not given a wait twice", () => {
    const desk = new Desk();
    expect(() => desk.waits.give(desk.connection())).toThrow("given back once");
  });
});

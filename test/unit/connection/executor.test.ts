import { beforeEach, describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import type { Reply } from "../../../src/command/reply.ts";
import type { Connection } from "../../../src/connection/connection.ts";
import { Executor } from "../../../src/connection/executor.ts";
import { Step } from "../../../src/connection/step.ts";
import { Desk } from "./desk.ts";

describe("Executor", () => {
  let desk: Desk;
  let connection: Connection;
  let ran: string[];
  /** What the next operations say; then done. */
  let says: Step[];
  let answers: (Reply | null)[];
  let executor: Executor;

  beforeEach(() => {
    desk = new Desk();
    connection = desk.connection();
    ran = [];
    says = [];
    answers = [];
    const named = (name: string) => ({
      run: (_connection: unknown, _request: unknown, answer: Reply | null = null) => {
        ran.push(name);
        answers.push(answer);
        return says.shift() ?? Step.done;
      },
    });
    executor = new Executor({
      router: { hash: () => {} },
      read: named("read"),
      write: named("write"),
      fetch: named("fetch"),
      upload: named("upload"),
      node: named("node"),
    });
  });

  for (const [text, operation] of [
    ["get a\r\n", "read"],
    ["me a\r\n", "read"],
    ["gat 0 a\r\n", "fetch"],
    ["mg a t T30\r\n", "fetch"],
    ["set a 0 0 1\r\nx\r\n", "write"],
    ["delete a\r\n", "write"],
    ["incr a 1\r\n", "write"],
    ["touch a 0\r\n", "write"],
    ["set a 0 0 100000\r\n", "upload"],
    ["set a 0 0 9999999\r\n", "write"], // removes the old item, then answers too large
    ["add a 0 0 9999999\r\n", "node"],
    ["version\r\n", "node"],
    ["flush_all\r\n", "node"],
    ["bogus\r\n", "node"],
  ] as const) {
    test(`${text.split("\r")[0]}: ${operation}`, () => {
      expect(executor.execute(connection, desk.parse(text, connection))).toBe(Step.done);
      expect(ran).toEqual([operation]);
    });
  }

  test("again: from its beginning, as what it has become, without what was found", () => {
    const request = desk.parse("get a\r\n", connection);
    const wait = desk.waits.of(connection);
    wait.hasFound = true;
    wait.operation = { run: () => Step.done };
    says = [Step.again];
    request.op = Op.fetch;
    expect(executor.execute(connection, request)).toBe(Step.done);
    expect(ran).toEqual(["fetch", "fetch"]);
    expect([wait.hasFound, wait.operation]).toEqual([false, null]);
  });

  test("resumed: the operation that waited gets the answer, and again while it has no room", () => {
    const got: boolean[] = [];
    const steps = [Step.noRoom, Step.refused, Step.done];
    const wait = desk.waits.of(connection);
    wait.operation = {
      run: (_connection, _request, answer) => {
        got.push(answer === wait.reply);
        return steps.shift() ?? Step.done;
      },
    };
    wait.isAnswered = true;
    expect(executor.resume(connection, wait)).toBe(Step.noRoom);
    expect(executor.resume(connection, wait)).toBe(Step.refused);
    expect(executor.resume(connection, wait)).toBe(Step.done);
    expect(got).toEqual([true, true, false]); // refused: it had looked at it
    expect(ran).toEqual([]);
  });

  test("resumed without an operation: the request is executed, not parsed", () => {
    const wait = desk.waits.of(connection);
    wait.putAside(desk.parse("get a\r\n", connection), 0, 7);
    expect(executor.resume(connection, wait)).toBe(Step.done);
    expect(ran).toEqual(["read"]);
  });

  test("an operation that has lost its ground when resumed: from the beginning", () => {
    const wait = desk.waits.of(connection);
    wait.putAside(desk.parse("gat 0 a\r\n", connection), 0, 9);
    wait.operation = { run: () => Step.again };
    wait.isAnswered = true;
    expect(executor.resume(connection, wait)).toBe(Step.done);
    expect(ran).toEqual(["fetch"]);
    expect(answers).toEqual([null]);
  });
});

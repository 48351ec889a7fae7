import { describe, expect, test } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { FreeList, NONE_FREE } from "../../../src/base/free-list.ts";

describe("FreeList", () => {
  test("gives every number once, from 0 on, then none", () => {
    const free = new FreeList(3);
    expect([free.take(), free.take(), free.take(), free.take()]).toEqual([0, 1, 2, NONE_FREE]);
  });

  test("peek() names what take() gives", () => {
    const free = new FreeList(1);
    expect(free.peek()).toBe(0);
    expect(free.take()).toBe(0);
    expect(free.peek()).toBe(NONE_FREE);
  });

  test("what was given back last is taken next", () => {
    const free = new FreeList(4);
    for (let i = 0; i < 4; i++) free.take();
    free.give(2);
    free.give(1);
    expect([free.take(), free.take(), free.take()]).toEqual([1, 2, NONE_FREE]);
  });

  test("give() stops the process when nothing was taken", () => {
    expect(() => new FreeList(2).give(0)).toThrow(AssertionError);
  });
});

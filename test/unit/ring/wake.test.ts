import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { Control, controlBytes } from "../../../src/memory/control.ts";
import { NotifyBell, Sleeper, Waker } from "../../../src/ring/wake.ts";

function world() {
  const arena = new Arena(new SharedArrayBuffer(controlBytes(2)));
  const control = new Control(arena, 0);
  const rung: number[] = [];
  const waker = new Waker(arena.ints, control, { ring: (thread) => rung.push(thread) });
  return { arena, control, rung, waker, sleeper: new Sleeper(arena.ints, control, 1) };
}

describe("Waker.wake()", () => {
  test("rings no bell for a thread that is awake", () => {
    const { waker, rung } = world();
    expect(waker.wake(1)).toBe(false);
    expect(rung).toEqual([]);
  });

  test("rings once for a thread that sleeps, however often it is woken", () => {
    const { waker, rung, sleeper } = world();
    sleeper.prepare();
    expect(waker.wake(0)).toBe(false);
    expect(waker.wake(1)).toBe(true);
    expect(waker.wake(1)).toBe(false);
    expect(rung).toEqual([1]);
  });

  test("rings no bell for a thread that has changed its mind", () => {
    const { waker, rung, sleeper } = world();
    sleeper.prepare();
    sleeper.cancel();
    expect(waker.wake(1)).toBe(false);
    expect(rung).toEqual([]);
  });
});

describe("Sleeper.wait()", () => {
  test("returns at once when it was woken between prepare and wait", () => {
    const { arena, control, sleeper } = world();
    const waker = new Waker(arena.ints, control, new NotifyBell(arena.ints, control));
    sleeper.prepare();
    expect(waker.wake(1)).toBe(true);
    const before = performance.now();
    sleeper.wait(60_000);
    expect(performance.now() - before).toBeLessThan(30_000);
  });
});

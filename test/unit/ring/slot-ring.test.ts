import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { NO_SLOT, SlotRing, slotRingBytes } from "../../../src/ring/slot-ring.ts";

function ring(slots: number): SlotRing {
  return new SlotRing(new Arena(new SharedArrayBuffer(64 + slotRingBytes(slots))), 64, slots);
}

describe("SlotRing", () => {
  test("refuses when every slot is taken, and takes again after one was read", () => {
    const slots = ring(4);
    for (let value = 0; value < 4; value++) expect(slots.tryPush(value)).toBe(true);
    expect(slots.tryPush(9)).toBe(false);
    expect(slots.take()).toBe(0);
    expect(slots.tryPush(9)).toBe(true);
    expect([slots.take(), slots.take(), slots.take(), slots.take(), slots.take()]).toEqual([
      1,
      2,
      3,
      9,
      NO_SLOT,
    ]);
  });

  test("is a queue, whatever the order of pushes and takes", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (pushes) => {
        const slots = ring(8);
        const model: number[] = [];
        let value = 0;
        for (const push of pushes) {
          if (push) {
            const fits = model.length < 8;
            expect(slots.tryPush(value)).toBe(fits);
            if (fits) model.push(value);
            value++;
          } else {
            expect(slots.take()).toBe(model.shift() ?? NO_SLOT);
          }
        }
      }),
    );
  });
});

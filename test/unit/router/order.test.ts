import { describe, expect, test } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { Order } from "../../../src/router/order.ts";

describe("Order", () => {
  test("holds the keys sent, exactly while they are few", () => {
    const order = new Order();
    for (let i = 0; i < 16; i++) order.sent(i * 7919, i);
    for (let i = 0; i < 16; i++) expect(order.mayHold(i * 7919, i)).toBe(true);
    for (let i = 0; i < 1000; i++) expect(order.mayHold(i * 7919 + 1, i)).toBe(false);
  });

  test("never denies a key that is pending, however many are", () => {
    const order = new Order();
    for (let i = 0; i < 500; i++) order.sent((i * 2654435761) | 0, (i * 40503 * 65599) | 0);
    for (let i = 0; i < 500; i++) {
      expect(order.mayHold((i * 2654435761) | 0, (i * 40503 * 65599) | 0)).toBe(true);
    }
  });

  test("knows a key whether its hash is given signed or not", () => {
    const order = new Order();
    order.sent(-5, -6);
    expect(order.mayHold(-5 >>> 0, -6 >>> 0)).toBe(true);
  });

  test("forgets everything once nothing is pending, and not before", () => {
    const order = new Order();
    order.sentForAll();
    order.sent(1, 2);
    order.settled();
    expect(order.mayHold(99, 98)).toBe(true);
    order.settled();
    expect(order.mayHold(99, 98)).toBe(false);
    expect(order.mayHold(1, 2)).toBe(false);
  });

  test("stops the process when more is answered than was sent", () => {
    expect(() => new Order().settled()).toThrow(AssertionError);
  });
});

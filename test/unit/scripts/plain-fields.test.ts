/** Code with plain fields does what it did with private ones, and nothing in it has moved. */
import { describe, expect, it } from "vitest";
// @ts-expect-error a build script, without types
import { plain } from "../../../scripts/plain-fields.mjs";

const COUNTER = `
class Counter {
  #count;
  #step = 2;
  static #made = 0;
  constructor(start) { this.#count = start; Counter.#made++; }
  #next() { return this.#count + this.#step; }
  get #doubled() { return this.#count * 2; }
  add() { this.#count = this.#next(); return this; }
  show() { return [this.#count, this.#doubled, Counter.#made]; }
}
return new Counter(3).add().show();`;

describe("plain fields", () => {
  it("keep what the code means, and its length", () => {
    const made = plain(`function run() {${COUNTER}}`) as string;
    expect(made).not.toContain("#");
    expect(made.length).toBe(`function run() {${COUNTER}}`.length);
    expect(new Function(`${made} return run();`)()).toEqual([5, 10, 1]);
  });

  it("leave no declaration that would store undefined first", () => {
    const made = plain("class A { #x; y; constructor() { this.#x = 1; } }") as string;
    expect(Object.keys(new Function(`${made} return new A();`)())).toEqual(["y", "$x"]);
  });

  it.each([
    ["a class and its base with one name", "class A { #x = 1 } class B extends A { #x = 2 }", "#x"],
    ["a question for a private field", "class A { #x; has(o) { return #x in o; } }", "#x in"],
    ["a property that begins with $", "const o = {}; o.$x = 1;", "$"],
  ])("refuse %s", (_, code, named) => {
    expect(() => plain(code)).toThrow(named);
  });
});

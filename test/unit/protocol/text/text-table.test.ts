import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findTextCommand, TEXT_COMMANDS } from "../../../../src/protocol/text/text-table.ts";

const BY_WORD = new Map(TEXT_COMMANDS.map((command) => [command.word, command]));

/** What the table finds for a word in the middle of other bytes. */
function found(word: string) {
  const bytes = Buffer.from(`xx${word}\r\n`, "latin1");
  return findTextCommand(bytes, 2, 2 + word.length);
}

describe("findTextCommand()", () => {
  test("has one row for each word", () => {
    expect(BY_WORD.size).toBe(TEXT_COMMANDS.length);
  });

  for (const [word, command] of BY_WORD) {
    test(`finds ${word}, and neither what is shorter, longer, nor in capitals`, () => {
      expect(found(word)).toBe(command);
      expect(found(`${word}x`)).toBe(null);
      expect(found(word.toUpperCase())).toBe(null);
      const shorter = word.slice(0, -1);
      expect(found(shorter)).toBe(BY_WORD.get(shorter) ?? null);
    });
  }

  test("finds no other word, whatever its letters", () => {
    const letters = fc.string({
      minLength: 1,
      maxLength: 15,
      unit: fc.constantFrom(..."gmetsad_"),
    });
    fc.assert(
      fc.property(fc.oneof(letters, fc.string({ minLength: 1, maxLength: 15 })), (word) => {
        const latin1 = Buffer.from(word, "latin1").toString("latin1");
        expect(found(latin1)).toBe(BY_WORD.get(latin1) ?? null);
      }),
      { numRuns: 2000 },
    );
  });
});

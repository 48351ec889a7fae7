/** Tables of text and the requests it is read as, one test a row. */
import { describe, expect, test } from "vitest";
import { requestsOf, type SpokenOptions } from "./spoken.ts";

export const KEY_250 = "k".repeat(250);
export const KEY_251 = "k".repeat(251);

type Row = readonly [text: string, ...requests: string[]];

/**
 * Each row's text is read as its requests (spoken.ts has their words), whatever `options` leave at
 * their defaults.
 */
export function table(
  name: string,
  rows: readonly Row[],
  options: Partial<SpokenOptions> = {},
): void {
  describe(name, () => {
    for (const [text, ...requests] of rows) {
      const shown = text.length > 80 ? `${text.slice(0, 60)}… (${text.length} bytes)` : text;
      test(`${JSON.stringify(shown)} is ${requests.join(", ").slice(0, 90)}`, () => {
        expect(requestsOf(text, options)).toEqual(requests);
      });
    }
  });
}

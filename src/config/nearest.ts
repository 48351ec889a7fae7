/**
 * "Did you mean": the name that a misspelt one is nearest to, by letters left out, put in, mistaken
 * for another, or swapped with the next.
 */

/** One mistake in this many letters is a slip. */
const LETTERS_PER_SLIP = 3;

/** The nearest of `names`, or null when none is near. */
export function nearest(word: string, names: Iterable<string>): string | null {
  let found: string | null = null;
  let least = Math.max(1, Math.floor(word.length / LETTERS_PER_SLIP)) + 1;
  for (const name of names) {
    const slips = distance(word, name, least);
    if (slips >= least) continue;
    least = slips;
    found = name;
  }
  return found;
}

/** `, did you mean --port?`, or nothing. */
export function didYouMean(word: string, names: Iterable<string>, prefix = ""): string {
  const name = nearest(word, names);
  return name === null ? "" : `, did you mean ${prefix}${name}?`;
}

/** Slips between two words (optimal string alignment); `most` when there are as many or more. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(at(row, j) + 1, at(next, j - 1) + 1, at(row, j - 1) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, at(before, j - 2) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return Math.min(most, at(row, b.length));
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}

/** The meta commands: two letters each, of which the second says which. */

/** How a meta command's line is read. */
export const MetaCommand = {
  none: 0,
  /** mg <key> <flag>* */
  get: 1,
  /** ms <key> <datalen> <flag>*, and the data block */
  store: 2,
  /** md <key> <flag>* */
  delete: 3,
  /** ma <key> <flag>* */
  arithmetic: 4,
  /** mn */
  noop: 5,
  /** me <key> [b] */
  inspect: 6,
} as const;
export type MetaCommand = (typeof MetaCommand)[keyof typeof MetaCommand];

const ROWS: readonly (readonly [string, MetaCommand])[] = [
  ["mg", MetaCommand.get],
  ["ms", MetaCommand.store],
  ["md", MetaCommand.delete],
  ["ma", MetaCommand.arithmetic],
  ["mn", MetaCommand.noop],
  ["me", MetaCommand.inspect],
];

export const META_WORDS: readonly string[] = ROWS.map(([word]) => word);

/** By a word's second letter. */
export const META_BY_LETTER = new Uint8Array(256);
for (const [word, command] of ROWS) META_BY_LETTER[word.charCodeAt(1)] = command;

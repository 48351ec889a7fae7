/**
 * The commands of the text protocol, a row each: the word a line begins with, by which grammar the
 * rest of it is read, and what it asks for. A new command of a known grammar is a row here and no
 * more.
 *
 * A row is found by the word's length and first two letters, which tell nearly all words apart:
 *
 *   "incr" ─▶ slotOf('i', 'n', 4) ─▶ | incr |      a slot of another word: the next one is looked at,
 *                                    | cas  |      an empty one: no such command
 *                                    |      |
 */
import { assert } from "../../base/assert.ts";
import { AdminWord, ArithmeticMode, ListForm, Op, StoreMode } from "../../command/op.ts";
import { Mark } from "../../command/request.ts";
import { bytesOf } from "../ascii.ts";
import { META_WORDS } from "../meta/meta-table.ts";

/** How a line is read. */
export const Grammar = {
  /** `get <key>*`: one request a key. `mode` is 1 where the CAS is printed. */
  keys: 0,
  /** `gat <exptime> <key>*` */
  touchedKeys: 1,
  /** `set <key> <flags> <exptime> <bytes> [<cas unique>] [noreply]`, and the data block. */
  storage: 2,
  /** `delete <key> [noreply]` */
  delete: 3,
  /** `incr <key> <delta> [noreply]` */
  arithmetic: 4,
  /** `touch <key> <exptime> [noreply]` */
  touch: 5,
  /** The word alone; what follows is not looked at. */
  bare: 6,
  verbosity: 7,
  flushAll: 8,
  stats: 9,
  shutdown: 10,
  cacheMemlimit: 11,
  /** Words for whoever serves them; `mode` is which command. */
  admin: 12,
  /** The same, and `noreply` is a word like others. */
  adminReplying: 13,
  /** mg ms md ma mn me: meta/meta-parser.ts. */
  meta: 14,
  /** `config get cluster` */
  config: 15,
} as const;
export type Grammar = (typeof Grammar)[keyof typeof Grammar];

export interface TextCommand {
  readonly word: string;
  readonly grammar: Grammar;
  readonly op: Op;
  /** StoreMode, ArithmeticMode, AdminWord …: what the op's mode, or level, is. */
  readonly mode: number;
  /** Bits of `Mark`. */
  readonly marks: number;
}

const STORES = Mark.exptime;
const SETS = Mark.exptime | Mark.dropsOldWhenRefused;
const READS = Mark.wantsValue;
const TOUCHES = Mark.wantsValue | Mark.exptime;

/** [word, grammar, op, mode, marks] */
type Row = readonly [string, Grammar, Op, number, number];
const ROWS: readonly Row[] = [
  ["get", Grammar.keys, Op.get, 0, READS],
  ["gets", Grammar.keys, Op.get, 1, READS],
  ["gat", Grammar.touchedKeys, Op.fetch, 0, TOUCHES],
  ["gats", Grammar.touchedKeys, Op.fetch, 1, TOUCHES],
  ["set", Grammar.storage, Op.store, StoreMode.set, SETS],
  ["add", Grammar.storage, Op.store, StoreMode.add, STORES],
  ["replace", Grammar.storage, Op.store, StoreMode.replace, STORES],
  ["append", Grammar.storage, Op.store, StoreMode.append, STORES],
  ["prepend", Grammar.storage, Op.store, StoreMode.prepend, STORES],
  ["cas", Grammar.storage, Op.store, StoreMode.set, STORES | Mark.compareCas],
  ["delete", Grammar.delete, Op.delete, 0, 0],
  ["incr", Grammar.arithmetic, Op.arithmetic, ArithmeticMode.increment, 0],
  ["decr", Grammar.arithmetic, Op.arithmetic, ArithmeticMode.decrement, 0],
  ["touch", Grammar.touch, Op.touch, 0, Mark.exptime],
  ["version", Grammar.bare, Op.version, 0, 0],
  ["quit", Grammar.bare, Op.quit, 0, 0],
  ["verbosity", Grammar.verbosity, Op.verbosity, 0, 0],
  ["flush_all", Grammar.flushAll, Op.flushAll, 0, 0],
  ["stats", Grammar.stats, Op.stats, 0, 0],
  ["shutdown", Grammar.shutdown, Op.shutdown, 0, 0],
  ["cache_memlimit", Grammar.cacheMemlimit, Op.cacheMemlimit, 0, 0],
  ["config", Grammar.config, Op.nodeList, ListForm.config, 0],
  ["slabs", Grammar.admin, Op.admin, AdminWord.slabs, 0],
  ["lru", Grammar.admin, Op.admin, AdminWord.lru, 0],
  ["lru_crawler", Grammar.admin, Op.admin, AdminWord.lruCrawler, 0],
  ["watch", Grammar.adminReplying, Op.admin, AdminWord.watch, 0],
  ["debugtime", Grammar.adminReplying, Op.admin, AdminWord.debugtime, 0],
  ...META_WORDS.map((word): Row => [word, Grammar.meta, Op.none, 0, 0]),
];

export const TEXT_COMMANDS: readonly TextCommand[] = ROWS.map(
  ([word, grammar, op, mode, marks]) => ({ word, grammar, op, mode, marks }),
);

/** A power of two, with room to spare: a search ends at an empty slot. */
const SLOTS = 128;
const WORD_BYTES_MAX = 16;
/** By slot: the command, how long its word is (0 where there is none), and the word. */
const COMMANDS = new Array<TextCommand | null>(SLOTS).fill(null);
const LENGTHS = new Uint8Array(SLOTS);
const WORDS = new Uint8Array(SLOTS * WORD_BYTES_MAX);

assert(TEXT_COMMANDS.length <= SLOTS / 2, "at least every other slot is empty");
for (const command of TEXT_COMMANDS) {
  const word = bytesOf(command.word);
  assert(word.length <= WORD_BYTES_MAX, "a word has room in the table");
  let slot = slotOf(word[0] as number, word[1] as number, word.length);
  while (LENGTHS[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  COMMANDS[slot] = command;
  LENGTHS[slot] = word.length;
  WORDS.set(word, slot * WORD_BYTES_MAX);
}

/** The command whose word is bytes[start, end), behind which at least a line end stands; or null. */
export function findTextCommand(bytes: Uint8Array, start: number, end: number): TextCommand | null {
  const length = end - start;
  let slot = slotOf(bytes[start] as number, bytes[start + 1] as number, length);
  while (LENGTHS[slot] !== 0) {
    if (LENGTHS[slot] === length) {
      const word = slot * WORD_BYTES_MAX;
      let at = 0;
      while (at < length && bytes[start + at] === WORDS[word + at]) at += 1;
      if (at === length) return COMMANDS[slot] as TextCommand;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
  return null;
}

function slotOf(first: number, second: number, length: number): number {
  return (first * 7 + second * 3 + length * 13) & (SLOTS - 1);
}

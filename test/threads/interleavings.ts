/**
 * Interleavings: plays the code of several threads in every order their steps can take, a step
 * being one call of Atomics.
 *
 *   state    the shared words, and of each thread what its steps have returned so far
 *   a step   the thread's code from its beginning: steps it has made return what they did, the next
 *            one is made on the shared words, and the one behind that ends the run by a throw
 *
 * Why so: the code under test is what runs in the server, unchanged, and has no place to stop at;
 * but what it does next depends on nothing but what Atomics has returned to it. Two orders that
 * come to the same state have the same future, so each state is gone on from once.
 *
 * `Atomics.wait` waits until it is notified, never for a time: a thread that only its time limit
 * would have saved counts as one that waits for ever.
 */

/** One thread: what it does with the shared words. */
export type ThreadCode = (ints: Int32Array) => void;

interface ThreadState {
  readonly returned: readonly unknown[];
  readonly isDone: boolean;
  /** The word it waits at, or null. */
  readonly waitsAt: number | null;
}

interface State {
  readonly words: readonly number[];
  readonly threads: readonly ThreadState[];
  /** The numbers of the threads that made the steps, in order. */
  readonly order: string;
}

/** One way it may end: everybody done, or waiting for ever. */
export interface Ending {
  readonly words: readonly number[];
  readonly waiting: readonly number[];
  readonly order: string;
}

export interface Played {
  readonly endings: readonly Ending[];
  readonly states: number;
}

/** More is no test but an outing. */
const STATES_MAX = 200_000;

class Pause extends Error {}

/** Every ending of `threads` over `wordCount` words that begin as 0. */
export function everyInterleaving(wordCount: number, threads: readonly ThreadCode[]): Played {
  const start: State = {
    words: new Array<number>(wordCount).fill(0),
    threads: threads.map(() => ({ returned: [], isDone: false, waitsAt: null })),
    order: "",
  };
  const seen = new Set<string>();
  const open = [start];
  const endings: Ending[] = [];
  while (true) {
    const state = open.pop();
    if (state === undefined) return { endings, states: seen.size };
    const key = JSON.stringify([state.words, state.threads]);
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > STATES_MAX) throw new Error(`more than ${STATES_MAX} states`);
    const ready = state.threads.flatMap(({ isDone, waitsAt }, index) =>
      isDone || waitsAt !== null ? [] : [index],
    );
    if (ready.length === 0) endings.push(endingOf(state));
    for (const index of ready) open.push(step(state, index, threads[index] as ThreadCode));
  }
}

function endingOf({ words, threads, order }: State): Ending {
  const waiting = threads.flatMap(({ waitsAt }, index) => (waitsAt === null ? [] : [index]));
  return { words, waiting, order };
}

/** The state after one more step of a thread. */
function step(state: State, index: number, code: ThreadCode): State {
  const ints = new Int32Array(new SharedArrayBuffer(state.words.length * 4));
  ints.set(state.words);
  const threads = [...state.threads];
  const { returned } = threads[index] as ThreadState;
  const made = [...returned];
  let waitsAt: number | null = null;
  let at = 0;
  const one = (perform: () => unknown): unknown => {
    if (at < returned.length) return returned[at++];
    if (made.length > returned.length || waitsAt !== null) throw new Pause();
    at++;
    const result = perform();
    made.push(result);
    return result;
  };
  const wait = (word: number, expected: number): string => {
    if (ints[word] !== expected) return "not-equal";
    waitsAt = word;
    throw new Pause();
  };
  const notify = (word: number, count: number): number => {
    let woken = 0;
    threads.forEach((thread, other) => {
      if (thread.waitsAt !== word || woken === count) return;
      woken++;
      threads[other] = { ...thread, returned: [...thread.returned, "ok"], waitsAt: null };
    });
    return woken;
  };
  const isDone = withAtomics(one, wait, notify, () => code(ints));
  threads[index] = { returned: made, isDone, waitsAt };
  return { words: [...ints], threads, order: state.order + index };
}

type One = (perform: () => unknown) => unknown;

/** Runs code with Atomics in steps. True when it came to its end. */
function withAtomics(
  one: One,
  wait: (word: number, expected: number) => string,
  notify: (word: number, count: number) => number,
  run: () => void,
): boolean {
  const real = { ...Object.getOwnPropertyDescriptors(Atomics) };
  const plain = ["load", "store", "add", "sub", "or", "and", "xor", "exchange", "compareExchange"];
  for (const name of plain) {
    const perform = Reflect.get(Atomics, name) as (...args: unknown[]) => unknown;
    put(name, (...args: unknown[]) => one(() => perform(...args)));
  }
  put("wait", (_: Int32Array, word: number, expected: number) => one(() => wait(word, expected)));
  put("notify", (_: Int32Array, word: number, count = Number.POSITIVE_INFINITY) =>
    one(() => notify(word, count)),
  );
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof Pause) return false;
    throw error;
  } finally {
    Object.defineProperties(Atomics, real);
  }
}

function put(name: string, value: unknown): void {
  Object.defineProperty(Atomics, name, { value, configurable: true, writable: true });
}

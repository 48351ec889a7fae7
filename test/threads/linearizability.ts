/**
 * Linearizability of a history of one key: is there one order of all its operations that respects
 * real time (what had returned before another was sent comes before it) and in which a single item
 * would have given the very same answers?
 *
 * Keys are independent, and linearizability is compositional (Herlihy and Wing, 1990): a history is
 * linearizable when each key's part of it is.
 *
 * The search is Wing and Gong's (1993), with Lowe's memory of configurations (2017): take any
 * operation that no other must precede, see whether the item, as it now is, would have answered so,
 * go on; when a return is met whose operation has not been taken, go back. A configuration (the set
 * taken, the item's state) seen before is not entered again.
 *
 *   events   sent 1 | sent 2 | returned 1 | sent 3 | returned 3 | returned 2         a linked list; taking lifts both out
 *
 * The item: absent, or a value and a CAS unique. A unique is not known until somebody is told; it
 * grows with each write, so an old value that came back would show by its unique, if not by its
 * value. Values written are all different.
 *
 * Eviction: with `mayVanish` an item may become absent at any moment; only an answer that finds it
 * absent can tell. What has vanished does not come back.
 */
import type { Operation } from "./history.ts";

export interface CheckOptions {
  readonly mayVanish: boolean;
}

export interface Verdict {
  readonly linearizable: boolean;
  /** How many operations the longest order found holds. */
  readonly longest: number;
  /** The operation at which that order could not go on. */
  readonly stuckAt: Operation | null;
}

/** An item's state, as a value: equal states have equal text. */
interface Item {
  /** null: absent. */
  readonly value: string | null;
  /** 0: nobody has been told it yet. */
  readonly cas: number;
  /** The greatest unique anybody was told: a newer write has a greater one. */
  readonly casSeen: number;
}

const ABSENT: Item = { value: null, cas: 0, casSeen: 0 };
const NUMBER = /^\d+$/;

/**
 * The item after the operation, or null when it would not have been answered so. What nobody knows
 * the outcome of has two: `attempt` 0 is that it took effect, 1 that it did not.
 */
export function step(
  item: Item,
  operation: Operation,
  options: CheckOptions,
  attempt = 0,
): Item | null {
  const { action, told } = operation;
  if (told === "unknown") return attempt === 0 ? stepUnknown(item, operation) : item;
  if (told === "miss" || told === "notFound" || (action === "add" && told === "stored")) {
    if (item.value !== null && !options.mayVanish) return null;
    const absent = { value: null, cas: 0, casSeen: item.casSeen };
    return action === "add" ? written(absent, operation.value) : absent;
  }
  if (action === "set") return told === "stored" ? written(item, operation.value) : null;
  if (item.value === null) return null;
  switch (action) {
    case "get":
      return told === "hit" && operation.got === item.value ? seen(item, operation.gotCas) : null;
    case "add":
      return told === "notStored" ? item : null;
    case "cas": {
      const equal = item.cas !== 0 && item.cas === operation.cas;
      if (told === "exists") return equal ? null : item;
      return told === "stored" && equal ? written(item, operation.value) : null;
    }
    case "incr": {
      if (!NUMBER.test(item.value)) return told === "nonNumeric" ? item : null;
      const sum = String(BigInt(item.value) + BigInt(operation.value));
      return told === "number" && operation.got === sum ? written(item, sum) : null;
    }
    case "delete":
      return told === "deleted" ? { value: null, cas: 0, casSeen: item.casSeen } : null;
    default:
      return told === "touched" ? item : null;
  }
}

/** Nobody was told: it does to the item what it would do. */
function stepUnknown(item: Item, operation: Operation): Item | null {
  const { action, value } = operation;
  if (action === "set") return written(item, value);
  if (action === "add") return item.value === null ? written(item, value) : item;
  if (item.value === null) return item;
  if (action === "delete") return { value: null, cas: 0, casSeen: item.casSeen };
  if (action === "cas") {
    return item.cas !== 0 && item.cas === operation.cas ? written(item, value) : item;
  }
  if (action !== "incr" || !NUMBER.test(item.value)) return item;
  return written(item, String(BigInt(item.value) + BigInt(value)));
}

function written(item: Item, value: string): Item {
  return { value, cas: 0, casSeen: item.casSeen };
}

function seen(item: Item, cas: number): Item | null {
  if (cas === 0) return item;
  if (item.cas !== 0) return item.cas === cas ? item : null;
  return cas > item.casSeen ? { value: item.value, cas, casSeen: cas } : null;
}

/** An event of the history: an operation is sent, or has returned. */
class Event {
  readonly operation: Operation;
  /** The operation's number, by the time it was sent. */
  readonly number: number;
  readonly isReturn: boolean;
  /** Of a sent event: its return, when there is one. */
  back: Event | null = null;
  previous: Event | null = null;
  next: Event | null = null;

  constructor(operation: Operation, number: number, isReturn: boolean) {
    this.operation = operation;
    this.number = number;
    this.isReturn = isReturn;
  }
}

/** Checks the operations of one key. */
export function checkKey(operations: readonly Operation[], options: CheckOptions): Verdict {
  const head = eventsOf(operations);
  const taken = new Uint8Array(operations.length);
  const path: { event: Event; item: Item; attempt: number }[] = [];
  const entered = new Set<string>();
  let returnsLeft = operations.filter(({ returned }) => returned < Number.POSITIVE_INFINITY).length;
  let firstFree = 0;
  let lastTaken = -1;
  let item = ABSENT;
  let longest = 0;
  let stuckAt: Operation | null = null;
  let event = head.next;
  let attempt = 0;
  while (returnsLeft > 0) {
    if (event !== null && !event.isReturn) {
      const after = step(item, event.operation, options, attempt);
      taken[event.number] = 1;
      if (after === null || !enter(entered, taken, firstFree, lastTaken, event.number, after)) {
        taken[event.number] = 0;
        const isLast = attempt === 1 || event.operation.told !== "unknown";
        if (isLast) event = event.next;
        attempt = isLast ? 0 : 1;
        continue;
      }
      path.push({ event, item, attempt });
      attempt = 0;
      item = after;
      lastTaken = Math.max(lastTaken, event.number);
      while (taken[firstFree] === 1) firstFree++;
      if (event.back !== null) returnsLeft--;
      lift(event);
      if (path.length > longest) longest = path.length;
      event = head.next;
      continue;
    }
    if (event !== null && path.length === longest) stuckAt = event.operation;
    const last = path.pop();
    if (last === undefined) return { linearizable: false, longest, stuckAt };
    item = last.item;
    taken[last.event.number] = 0;
    firstFree = Math.min(firstFree, last.event.number);
    if (last.event.back !== null) returnsLeft++;
    unlift(last.event);
    const isLast = last.attempt === 1 || last.event.operation.told !== "unknown";
    event = isLast ? last.event.next : last.event;
    attempt = isLast ? 0 : 1;
  }
  return { linearizable: true, longest, stuckAt: null };
}

/** Notes the configuration. False when it was known: it leads nowhere. */
function enter(
  entered: Set<string>,
  taken: Uint8Array,
  firstFree: number,
  lastTaken: number,
  number: number,
  item: Item,
): boolean {
  let first = firstFree;
  while (taken[first] === 1) first++;
  let text = `${first}`;
  const last = Math.max(lastTaken, number);
  for (let at = first + 1; at <= last; at++) if (taken[at] === 1) text += `,${at - first}`;
  text += `|${item.value}|${item.cas}|${item.casSeen}`;
  if (entered.has(text)) return false;
  entered.add(text);
  return true;
}

/**
 * The events in time order, behind a head. An answer at the very moment of a sending counts as
 * after it: concurrent.
 */
function eventsOf(operations: readonly Operation[]): Event {
  const sorted = operations.toSorted((a, b) => a.invoked - b.invoked);
  const events: Event[] = [];
  sorted.forEach((operation, number) => {
    const sent = new Event(operation, number, false);
    events.push(sent);
    if (operation.returned === Number.POSITIVE_INFINITY) return;
    sent.back = new Event(operation, number, true);
    events.push(sent.back);
  });
  const at = (event: Event) =>
    event.isReturn ? event.operation.returned : event.operation.invoked;
  events.sort((a, b) => at(a) - at(b) || Number(a.isReturn) - Number(b.isReturn));
  const head = new Event({} as Operation, -1, false);
  let last = head;
  for (const event of events) {
    event.previous = last;
    last.next = event;
    last = event;
  }
  return head;
}

function unlink(event: Event): void {
  if (event.previous !== null) event.previous.next = event.next;
  if (event.next !== null) event.next.previous = event.previous;
}

function relink(event: Event): void {
  if (event.previous !== null) event.previous.next = event;
  if (event.next !== null) event.next.previous = event;
}

function lift(event: Event): void {
  unlink(event);
  if (event.back !== null) unlink(event.back);
}

function unlift(event: Event): void {
  if (event.back !== null) relink(event.back);
  relink(event);
}

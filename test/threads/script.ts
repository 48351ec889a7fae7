/**
 * Script: what one logical client asks, one request after another, and what it was told. It knows
 * nothing of how the requests travel: the router's test and the sockets' test play the same
 * scripts.
 *
 * Few keys, so that clients meet. Keys that begin with "n" hold numbers, those with "t" text of any
 * length, whose bytes all follow from its first ones: a torn value shows. Every value written is
 * different from all others. Under pressure, clients also fill the cache with keys nobody asks for,
 * which are not recorded.
 */
import { type Action, now, type Operation, type Told } from "./history.ts";

export interface ScriptOptions {
  readonly operations: number;
  readonly seed: number;
  /** Fill the cache, so that it must evict. */
  readonly pressure: boolean;
  readonly textBytesMax: number;
}

/** How an action is done, where there is more than one way. */
export const Way = { plain: 0, fetch: 1, expire: 2, fill: 3 } as const;
export type Way = (typeof Way)[keyof typeof Way];

const KEYS = ["n0", "n1", "t0", "t1", "t2", "t3"];
const FILLER_KEYS = 1500;
const FILLER_BYTES = 6000;
const ACTIONS: readonly Action[] = [
  ...["get", "get", "get", "get", "get", "get", "set", "set", "add", "add"],
  ...["cas", "cas", "cas", "incr", "incr", "delete", "touch"],
] as Action[];

/** Distance between two numbers set, so that a few increments do not make one the other. */
const NUMBER_STRIDE = 10_000;

export class Script {
  readonly recorded: Operation[] = [];
  readonly #client: number;
  readonly #options: ScriptOptions;
  readonly #uniques = new Map<string, number>();
  #random: number;
  #asked = 0;

  /** Of the request that `next` chose. */
  operation!: Operation;
  way: Way = Way.plain;
  payload: Uint8Array = new Uint8Array(0);

  constructor(client: number, options: ScriptOptions) {
    this.#client = client;
    this.#options = options;
    this.#random = (options.seed ^ (client * 0x9e3779b1)) | 1;
  }

  /** Chooses the next request. False when the script is over. */
  next(): boolean {
    if (this.#asked === this.#options.operations) return false;
    this.#asked++;
    const filling = this.#options.pressure && this.#below(3) === 0;
    const key = filling
      ? `f${this.#below(FILLER_KEYS)}`
      : (KEYS[this.#below(KEYS.length)] as string);
    let action = filling ? "set" : (ACTIONS[this.#below(ACTIONS.length)] as Action);
    const cas = this.#uniques.get(key) ?? 0;
    if (action === "cas" && cas === 0) action = "get";
    this.way = Way.plain;
    if (filling) this.way = Way.fill;
    if (action === "get" && this.#below(4) === 0) this.way = Way.fetch;
    if (action === "delete" && this.#below(3) === 0) this.way = Way.expire;
    const value = this.#valueFor(key, action);
    this.operation = {
      client: this.#client,
      key,
      action,
      value,
      cas,
      invoked: 0,
      returned: 0,
      told: "unknown",
      got: "",
      gotCas: 0,
    };
    this.payload = key.startsWith("n") ? Buffer.from(value) : this.#textPayload(value);
    return true;
  }

  /** The request leaves now. */
  asked(): void {
    this.operation.invoked = now();
  }

  /** Its answer is here. `value`: a hit's bytes, or the number of an increment. */
  answered(told: Told, value: Uint8Array | null, gotCas: number): void {
    const operation = this.operation;
    operation.returned = now();
    if (this.way === Way.fill) return;
    operation.told = told;
    operation.gotCas = gotCas;
    if (value !== null) operation.got = read(operation.key, operation.action, value);
    if (told === "hit" && gotCas !== 0) this.#uniques.set(operation.key, gotCas);
    this.recorded.push(operation);
  }

  #valueFor(key: string, action: Action): string {
    if (action === "incr") return "1";
    if (action === "get" || action === "delete" || action === "touch") return "";
    const unique = this.#client * this.#options.operations + this.#asked;
    return key.startsWith("n") ? String(unique * NUMBER_STRIDE) : `v${unique}`;
  }

  /**
   * The value's name, then a filling that follows from it. Most are of one length: those are
   * written in place.
   */
  #textPayload(name: string): Uint8Array {
    const most = this.way === Way.fill ? FILLER_BYTES : this.#options.textBytesMax;
    const length = this.#below(4) > 0 ? most : this.#below(most);
    const bytes = Buffer.alloc(Math.max(length, name.length + 1), fillingOf(name));
    bytes.write(`${name}:`);
    return bytes;
  }

  #below(limit: number): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) % limit;
  }
}

function fillingOf(name: string): number {
  return 97 + (Number(name.slice(1)) % 26);
}

/** The name of the value read; a text no client wrote when its bytes do not belong together. */
function read(key: string, action: Action, value: Uint8Array): string {
  const text = Buffer.from(value).toString("latin1");
  if (key.startsWith("n") || action === "incr") return text.trimEnd();
  const end = text.indexOf(":");
  const name = text.slice(0, end);
  const filling = String.fromCharCode(fillingOf(name));
  const whole = end > 0 && text.slice(end + 1) === filling.repeat(text.length - end - 1);
  return whole ? name : `torn ${text.slice(0, 100)}`;
}

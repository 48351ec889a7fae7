/**
 * Dump source: walks every shard, live, and prints a line for each item, as fast as the client
 * reads.
 *
 *   metadump    key=<uri> exp=<unix|-1> la=<unix> cas=<n> fetch=yes|no cls=<n> size=<n> flags=<n> \n      then END\r\n
 *   mgdump      mg <key>\r\n, or mg <base64> b\r\n                                                       then EN\r\n
 *   cachedump   ITEM <key> [<bytes> b; <unix expiry or 0> s]\r\n                                          then END\r\n
 *
 * It reads the owners' memory under the sequence lock, a bucket at a time, so it blocks nobody and
 * needs no memory but a few lines. It is not a snapshot: an item that stays is shown at least once;
 * the CAS tells whether two lines are one item.
 */
import type { Clock } from "../base/clock.ts";
import { ItemMark, Reply } from "../command/reply.ts";
import type { StoreReader } from "../store/store-reader.ts";
import { uriEncodeBytes } from "./event-log.ts";
import { SOURCE_DONE, type Source } from "./source.ts";

/** What the binary protocol lets a key hold, and would end the line or the word it is shown in. */
const BREAKS_LINES = /[\0\r\n ]/;

export const DumpKind = { metadump: 0, mgdump: 1, cachedump: 2 } as const;
export type DumpKind = (typeof DumpKind)[keyof typeof DumpKind];

export interface DumpOptions {
  readonly kind: DumpKind;
  /** Queues shown: 1 small, 2 main, 3 large. */
  readonly classes: ReadonlySet<number>;
  /** Items shown at most; 0: all. */
  readonly itemsMax: number;
  /** Bytes shown at most; 0: no limit. */
  readonly bytesMax: number;
}

/** What one fill prints at most before it lets others have their turn. */
const BYTES_A_TURN = 32 * 1024;
const BUCKETS_A_TURN = 4096;

export class DumpSource implements Source {
  readonly endless = false;
  readonly #options: DumpOptions;
  readonly #readers: readonly StoreReader[];
  readonly #clock: Clock;
  readonly #reply: Reply;
  readonly #visit: (reply: Reply) => void;
  #shard = 0;
  #cursor = 0;
  #lines = "";
  #pending: Buffer;
  #items = 0;
  #bytes = 0;
  #ended = false;

  constructor(options: DumpOptions, readers: readonly StoreReader[], clock: Clock) {
    this.#options = options;
    this.#readers = readers;
    this.#clock = clock;
    this.#reply = new Reply(new Uint8Array(0));
    this.#visit = (reply) => this.#show(reply);
    this.#pending = Buffer.from(options.kind === DumpKind.cachedump ? "" : "OK\r\n");
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    if (this.#pending.length === 0) {
      if (this.#ended) return SOURCE_DONE;
      this.#walk();
      this.#pending = Buffer.from(this.#lines, "latin1");
      this.#lines = "";
    }
    const taken = Math.min(this.#pending.length, end - at);
    bytes.set(this.#pending.subarray(0, taken), at);
    this.#pending = this.#pending.subarray(taken);
    return taken;
  }

  release(): void {}

  #walk(): void {
    for (let buckets = 0; this.#lines.length < BYTES_A_TURN; buckets++) {
      if (this.#shard === this.#readers.length || this.#isFull()) {
        this.#ended = true;
        this.#lines += this.#options.kind === DumpKind.mgdump ? "EN\r\n" : "END\r\n";
        return;
      }
      const reader = this.#readers[this.#shard] as StoreReader;
      this.#cursor = reader.walk(this.#cursor, this.#reply, this.#visit);
      if (this.#cursor === 0) this.#shard++;
      if (buckets >= BUCKETS_A_TURN && this.#lines !== "") return;
    }
  }

  #isFull(): boolean {
    const { itemsMax, bytesMax } = this.#options;
    if (itemsMax !== 0 && this.#items >= itemsMax) return true;
    return bytesMax !== 0 && this.#bytes >= bytesMax;
  }

  #show(reply: Reply): void {
    const { kind, classes } = this.#options;
    if (!classes.has(reply.queue) || this.#isFull()) return;
    const line = kind === DumpKind.metadump ? this.#meta(reply) : this.#short(reply);
    if (line === "") return;
    this.#items++;
    this.#bytes += line.length;
    this.#lines += line;
  }

  #meta(reply: Reply): string {
    const { marks, keyStart, keyBytes } = reply;
    const { epochUnix } = this.#clock;
    const key = uriEncodeBytes(reply.value, keyStart, keyStart + keyBytes);
    const expires = reply.exptime === 0 ? -1 : epochUnix + reply.exptime;
    const cas = (BigInt(reply.casHigh >>> 0) << 32n) | BigInt(reply.casLow >>> 0);
    const fetched = (marks & ItemMark.fetched) !== 0 ? "yes" : "no";
    return (
      `key=${key} exp=${expires} la=${epochUnix + reply.accessed} cas=${cas} fetch=${fetched} ` +
      `cls=${reply.queue} size=${reply.totalBytes} flags=${reply.clientFlags >>> 0} \n`
    );
  }

  #short(reply: Reply): string {
    const { keyStart, keyBytes } = reply;
    const key = Buffer.from(reply.value.subarray(keyStart, keyStart + keyBytes));
    const text = key.toString("latin1");
    const binary = (reply.marks & ItemMark.binaryKey) !== 0 || BREAKS_LINES.test(text);
    if (this.#options.kind === DumpKind.mgdump) {
      return binary ? `mg ${key.toString("base64")} b\r\n` : `mg ${text}\r\n`;
    }
    if (binary) return "";
    const expires = reply.exptime === 0 ? 0 : this.#clock.epochUnix + reply.exptime;
    return `ITEM ${text} [${reply.valueBytes} b; ${expires} s]\r\n`;
  }
}

/**
 * Watch source: a watcher's view of every thread's log. It ends only with its connection.
 *
 * Lines of different threads may come out of order, by their gid, as memcached's may. What a slow
 * watcher missed is told in a line of its own.
 */
import type { Control } from "../memory/control.ts";
import { type LogReader, WATCHED_PREFIX } from "../memory/log-ring.ts";
import { WatchStream } from "./event-log.ts";
import type { Source } from "./source.ts";

/** Which streams a line belongs to. */
const STREAM_OF: Readonly<Record<string, number>> = {
  item_get: WatchStream.fetchers,
  item_store: WatchStream.mutations,
  eviction: WatchStream.evictions,
  conn_new: WatchStream.connevents,
  conn_close: WatchStream.connevents,
  deleted: WatchStream.deletions,
};
const READ_BYTES_MAX = 16 * 1024;

export class WatchSource implements Source {
  readonly endless = true;
  readonly #control: Control;
  readonly #streams: number;
  readonly #readers: readonly LogReader[];
  #pending: Buffer = Buffer.alloc(0);

  constructor(control: Control, streams: number, readers: readonly LogReader[]) {
    this.#control = control;
    this.#streams = streams;
    this.#readers = readers;
    control.addWatcher(streams);
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    let to = at;
    for (const reader of this.#readers) {
      if (this.#pending.length === 0) this.#pending = this.#lines(reader);
      if (this.#pending.length > end - to) break;
      bytes.set(this.#pending, to);
      to += this.#pending.length;
      this.#pending = Buffer.alloc(0);
    }
    return to - at;
  }

  release(): void {
    this.#control.removeWatcher();
  }

  #lines(reader: LogReader): Buffer {
    const lines = reader.read(READ_BYTES_MAX).toString("latin1").split("\n");
    let shown = "";
    if (reader.skipped > 0) {
      shown = `skipped=${reader.skipped}\n`;
      reader.skipped = 0;
    }
    for (const line of lines) {
      if (!line.startsWith(WATCHED_PREFIX)) continue;
      const type = / type=(\w+)/.exec(line)?.[1];
      if (type !== undefined && ((STREAM_OF[type] ?? 0) & this.#streams) !== 0)
        shown += `${line}\n`;
    }
    return Buffer.from(shown, "latin1");
  }
}

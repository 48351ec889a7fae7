/**
 * Live: the frames of each second, as server-sent events, to every open page.
 *
 *   event: frame     once a second         admin/frame.ts
 *   event: slabs     every other second    admin/slab-map.ts
 *   event: hotkeys   every other second    the list the page asked for with ?by=
 *
 * A frame is made into JSON once, whoever listens. A page that does not take its events (a laptop
 * asleep) is dropped when `BACKLOG_BYTES_MAX` wait for it, and comes back by itself.
 */
import type { ServerResponse } from "node:http";
import type { SketchKind } from "../memory/observation.ts";
import { HOT_LISTS } from "../stats/hot-keys.ts";
import type { NodeView } from "../stats/node-view.ts";
import type { Frame } from "./frame.ts";
import type { Guard } from "./guard.ts";
import type { HotKeyFrames } from "./hot-key-frames.ts";
import { HttpError, objectSchema, type Route } from "./route.ts";
import type { Sampler } from "./sampler.ts";
import { slabMap } from "./slab-map.ts";

const STREAMS_MAX = 32;
const BACKLOG_BYTES_MAX = 512 * 1024;
const SLOW_EVENTS_EVERY = 2;

interface Stream {
  readonly response: ServerResponse;
  readonly by: SketchKind;
}

export class LiveStreams {
  readonly #view: NodeView;
  readonly #hotKeys: HotKeyFrames;
  readonly #guard: Guard;
  readonly #streams = new Set<Stream>();
  readonly #stop: () => void;
  #frames = 0;

  constructor(view: NodeView, sampler: Sampler, hotKeys: HotKeyFrames, guard: Guard) {
    this.#view = view;
    this.#hotKeys = hotKeys;
    this.#guard = guard;
    this.#stop = sampler.listen((frame) => guard.run("live events", () => this.#send(frame)));
  }

  /** The route that opens a stream. */
  route(): Route {
    return {
      method: "GET",
      path: "/api/v1/live",
      summary: "Server-sent events: `frame` every second, `slabs` and `hotkeys` every other.",
      access: "contents",
      query: objectSchema({ by: { type: "string", enum: HOT_LISTS, default: "requests" } }),
      produces: "text/event-stream",
      handle: (request, reply) => {
        if (this.#streams.size >= STREAMS_MAX) throw new HttpError(503, "too many open pages");
        const { by } = request.query as { by: (typeof HOT_LISTS)[number] };
        const headers = reply.getHeaders() as Record<string, string>;
        reply.hijack();
        const response = reply.raw;
        response.writeHead(200, {
          ...headers,
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        });
        response.write("retry: 2000\n\n");
        const stream = { response, by: HOT_LISTS.indexOf(by) as SketchKind };
        this.#streams.add(stream);
        this.#guard.on(response, "error", "live stream", () => this.#streams.delete(stream));
        this.#guard.on(response, "close", "live stream", () => this.#streams.delete(stream));
      },
    };
  }

  /** Ends every stream. */
  close(): void {
    this.#stop();
    for (const { response } of this.#streams) response.end();
    this.#streams.clear();
  }

  #send(frame: Frame): void {
    if (this.#streams.size === 0) return;
    const slow = this.#frames++ % SLOW_EVENTS_EVERY === 0;
    let shared = `event: frame\ndata: ${JSON.stringify(frame)}\n\n`;
    if (slow) shared += `event: slabs\ndata: ${JSON.stringify(slabMap(this.#view))}\n\n`;
    const lists = new Map<SketchKind, string>();
    for (const stream of this.#streams) {
      const { response, by } = stream;
      if (response.writableLength > BACKLOG_BYTES_MAX) {
        response.destroy();
        continue;
      }
      response.write(shared);
      if (!slow) continue;
      let list = lists.get(by);
      if (list === undefined) {
        const keys = { by: HOT_LISTS[by], keys: this.#hotKeys.list(by) };
        list = `event: hotkeys\ndata: ${JSON.stringify(keys)}\n\n`;
        lists.set(by, list);
      }
      response.write(list);
    }
  }
}

/**
 * The routes that only look: stats, frames, history, workers, slabs, connections, keys, hot keys.
 */
import { hostname } from "node:os";
import type { FastifyRequest } from "fastify";
import { PROTOCOL_VERSION } from "../command/limits.ts";
import { ServerState } from "../memory/control.ts";
import type { SketchKind } from "../memory/observation.ts";
import { connectionsOf } from "../stats/conns.ts";
import { HOT_LISTS } from "../stats/hot-keys.ts";
import type { NodeView } from "../stats/node-view.ts";
import { renderStats, StatsOutcome } from "../stats/render.ts";
import { type ClusterWindow, clusterFrame, clusterWarning } from "./cluster-frame.ts";
import type { HotKeyFrames } from "./hot-key-frames.ts";
import { KEYS_PER_PAGE_MAX, type KeyBrowser } from "./key-browser.ts";
import { HttpError, objectSchema, type Route } from "./route.ts";
import type { Sampler } from "./sampler.ts";
import { slabMap } from "./slab-map.ts";

const CONNECTIONS_MAX = 1000;
const PREFIX_LENGTH_MAX = 500;
const JSON_TYPE = "application/json";

export interface ReadParts {
  readonly view: NodeView;
  readonly sampler: Sampler;
  readonly keys: KeyBrowser;
  readonly hotKeys: HotKeyFrames;
  /** The package's. */
  readonly version: string;
  /** The text of /metrics. */
  readonly metrics: () => Promise<string>;
  /** Null when the node is in none. */
  readonly cluster: ClusterWindow | null;
}

const STATS_LISTS = [
  "general",
  "settings",
  "items",
  "slabs",
  "conns",
  "sizes",
  "latency",
  "workers",
  "hotkeys",
] as const;

function queryOf(request: FastifyRequest): Record<string, string> {
  return request.query as Record<string, string>;
}

/** Probes and metrics. */
export function probeRoutes({ view, metrics, cluster }: ReadParts): Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      summary: "200 while the process lives: for liveness probes.",
      access: "open",
      produces: "text/plain",
      handle: (_, reply) => reply.type("text/plain").send("ok\n"),
    },
    {
      method: "GET",
      path: "/readyz",
      summary:
        "200 while the node serves all of its shards, 503 while it starts, stops or lacks a thread: " +
        "for readiness probes.",
      access: "open",
      produces: "text/plain",
      handle: (_, reply) => {
        const state = view.control.state();
        const ready = state === ServerState.serving && view.absentShards().length === 0;
        const words = {
          [ServerState.starting]: "starting",
          [ServerState.serving]: "lacks a thread",
        };
        const word = words[state as keyof typeof words] ?? "stopping";
        return reply
          .code(ready ? 200 : 503)
          .type("text/plain")
          .send(ready ? readyText(cluster) : `${word}\n`);
      },
    },
    {
      method: "GET",
      path: "/metrics",
      summary: "Prometheus metrics: memcached_exporter's names, and shardcached_*.",
      access: "metrics",
      produces: "text/plain",
      handle: async (_, reply) =>
        reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics()),
    },
  ];
}

/** Ready; and what the operator must know of the cluster, which keeps no node from serving. */
function readyText(cluster: ClusterWindow | null): string {
  const warning = cluster === null ? "" : clusterWarning(clusterFrame(cluster.state()));
  return warning === "" ? "ready\n" : `ready\n${warning}\n`;
}

/** Who the node is. */
export function identityRoutes({ view, version }: ReadParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/node",
      summary: "Which node this is: its machine, where the cache listens, what runs.",
      access: "contents",
      produces: JSON_TYPE,
      handle: () => ({
        hostname: hostname(),
        addresses: view.listeners().map(({ address }) => address),
        version,
        protocol: PROTOCOL_VERSION,
        runtime: process.versions.node,
        threads: view.threadCount,
      }),
    },
  ];
}

/** What the node does. */
export function statusRoutes({ view, sampler, hotKeys }: ReadParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/overview",
      summary: "The newest second: health, rates, latency, workers, memory.",
      access: "contents",
      produces: JSON_TYPE,
      handle: () => sampler.frame(),
    },
    {
      method: "GET",
      path: "/api/v1/history",
      summary: "Series of the last 5 minutes (by second) or 24 hours (by 10 seconds).",
      access: "metrics",
      query: objectSchema({
        range: { type: "string", enum: ["5m", "24h"], default: "5m" },
        series: { type: "string", maxLength: 32, default: "", description: "A name's beginning." },
      }),
      produces: JSON_TYPE,
      handle: (request) => {
        const { range, series } = queryOf(request);
        const { history } = sampler;
        return range === "24h" ? history.day(series) : history.recent(series);
      },
    },
    {
      method: "GET",
      path: "/api/v1/stats",
      summary: "A list of the stats command, names and values as on the wire.",
      access: "contents",
      query: objectSchema({ list: { type: "string", enum: STATS_LISTS, default: "general" } }),
      produces: JSON_TYPE,
      handle: (request) => {
        const { list } = queryOf(request);
        const values: Record<string, string> = {};
        const sub = list === "general" ? "" : (list as string);
        const outcome = renderStats(view, sub, "", -1, (name, value) => {
          values[name] = String(value);
        });
        if (outcome !== StatsOutcome.end) throw new HttpError(404, "no such list");
        return values;
      },
    },
    {
      method: "GET",
      path: "/api/v1/workers",
      summary: "Each worker's last second, and how busy it was in the last two minutes.",
      access: "contents",
      produces: JSON_TYPE,
      handle: () => sampler.workers(),
    },
    {
      method: "GET",
      path: "/api/v1/latency",
      summary: "Latency of the last second, and by family since the start.",
      access: "metrics",
      produces: JSON_TYPE,
      handle: () => {
        const total: Record<string, string> = {};
        renderStats(view, "latency", "", -1, (name, value) => {
          total[name] = String(value);
        });
        return { second: sampler.frame().latency, total };
      },
    },
    {
      method: "GET",
      path: "/api/v1/hotkeys",
      summary: "The heaviest keys: by requests, bytes or misses; the largest values; prefixes.",
      access: "contents",
      query: objectSchema({ by: { type: "string", enum: HOT_LISTS, default: "requests" } }),
      produces: JSON_TYPE,
      handle: (request) => {
        const by = queryOf(request)["by"] as (typeof HOT_LISTS)[number];
        return { by, keys: hotKeys.list(HOT_LISTS.indexOf(by) as SketchKind) };
      },
    },
  ];
}

/** What the node holds. */
export function contentRoutes({ view, sampler, keys }: ReadParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/slabs",
      summary: "Queues, and every slab: queue, fill, live share, age.",
      access: "contents",
      produces: JSON_TYPE,
      handle: () => ({ queues: sampler.frame().queues, map: slabMap(view) }),
    },
    {
      method: "GET",
      path: "/api/v1/connections",
      summary: `Open connections, at most ${CONNECTIONS_MAX}.`,
      access: "contents",
      produces: JSON_TYPE,
      handle: () => ({
        open: view.control.openConnections(),
        max: view.settings.maxConnections,
        listeners: view.listeners().map(({ address }) => address),
        connections: connectionsOf(view, CONNECTIONS_MAX),
      }),
    },
    {
      method: "GET",
      path: "/api/v1/keys",
      summary: "A page of keys. Go on with the cursor until it is empty; pages may be short.",
      access: "contents",
      query: objectSchema({
        prefix: { type: "string", maxLength: PREFIX_LENGTH_MAX, default: "" },
        cursor: { type: "string", maxLength: 32, default: "" },
        limit: { type: "integer", minimum: 1, maximum: KEYS_PER_PAGE_MAX, default: 100 },
      }),
      produces: JSON_TYPE,
      handle: (request) => {
        const { prefix, cursor, limit } = queryOf(request);
        if (!view.settings.dumpEnabled) throw new HttpError(403, "dumping keys is off (-X)");
        const page = keys.page(Buffer.from(prefix ?? ""), cursor ?? "", Number(limit));
        if (page === null) throw new HttpError(400, "not a cursor of this node");
        return page;
      },
    },
  ];
}

/**
 * What asks a node's admin HTTP server while its cache is measured.
 *
 *   page       one dashboard, open: its event stream
 *   scraper    Prometheus once a second, and 10 requests a second of the JSON API
 *   flat out   as many requests as the server answers, on 8 connections
 *
 * autocannon sends them; rates are those of all its connections together, which it spreads over
 * each second in one burst, as a poller does.
 */
import { type ClientRequest, get } from "node:http";
import autocannon from "autocannon";

/** What a dashboard, a script or a curious colleague asks for. */
const API_PATHS = [
  "/api/v1/overview",
  "/api/v1/history",
  "/api/v1/hotkeys",
  "/api/v1/connections",
  "/api/v1/slabs",
  "/api/v1/stats",
  "/api/v1/latency",
  "/api/v1/keys?limit=100",
];
const METRICS_PATHS = ["/metrics"];
const METRICS_PER_SECOND = 1;
const API_PER_SECOND = 10;
const FLAT_OUT_CONNECTIONS = 8;
/** autocannon wants an end; it is told to stop long before. */
const FOREVER_SECONDS = 3600;

/** What was answered while a load ran. */
export interface AdminUse {
  /** How long each answer took. */
  milliseconds: number[];
  /** Answers that were not 200, and requests without one. */
  failures: number;
}

/** A load that runs; `stop` ends it and says what it saw. */
export interface RunningLoad {
  stop(): Promise<AdminUse>;
}

export type AdminLoad = (url: string) => Promise<RunningLoad>;

/** No one asks. */
export const noLoad: AdminLoad = async () => ({
  stop: async () => ({ milliseconds: [], failures: 0 }),
});

/** One open page: its event stream, read as it comes. */
export const pageLoad: AdminLoad = async (url) => {
  const request = await new Promise<ClientRequest>((resolve, reject) => {
    const asked = get(new URL("/api/v1/live", url), (response) => {
      response.on("error", () => {});
      response.resume();
      resolve(asked);
    });
    asked.on("error", reject);
  });
  return {
    async stop() {
      request.destroy();
      return { milliseconds: [], failures: 0 };
    },
  };
};

function cannon(
  url: string,
  paths: readonly string[],
  connections: number,
  perSecond: number | null,
): RunningLoad {
  const milliseconds: number[] = [];
  let failures = 0;
  const requests = paths.map((path) => ({ method: "GET" as const, path }));
  const rate = perSecond === null ? {} : { overallRate: perSecond };
  let ended: () => void;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const options = { url, connections, requests, duration: FOREVER_SECONDS, ...rate };
  const instance = autocannon(options, () => ended());
  instance.on("response", (_, status, __, time) => {
    milliseconds.push(time);
    if (status !== 200) failures++;
  });
  instance.on("reqError", () => failures++);
  return {
    async stop() {
      const seen = { milliseconds: [...milliseconds], failures };
      instance.stop();
      await end;
      return seen;
    },
  };
}

/** Prometheus, and a poller of the API. */
export const scraperLoad: AdminLoad = async (url) => {
  const all = [
    cannon(url, METRICS_PATHS, 1, METRICS_PER_SECOND),
    cannon(url, API_PATHS, 1, API_PER_SECOND),
  ];
  return {
    async stop() {
      const uses = await Promise.all(all.map((each) => each.stop()));
      return {
        milliseconds: uses.flatMap((use) => use.milliseconds),
        failures: uses.reduce((sum, use) => sum + use.failures, 0),
      };
    },
  };
};

/** Everything, as fast as it is answered. */
export const flatOutLoad: AdminLoad = async (url) =>
  cannon(url, [...METRICS_PATHS, ...API_PATHS], FLAT_OUT_CONNECTIONS, null);

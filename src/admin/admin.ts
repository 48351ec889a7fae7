/**
 * Admin: the node's window for people and monitoring: HTTP in the primary, beside the cache and
 * never in its way.
 *
 *   --admin-listen 127.0.0.1:11280 (default) · unix:/path,mode=600 · none
 *
 *   /                 the dashboard           /healthz /readyz   probes
 *   /metrics          Prometheus              /api/v1/…          JSON, described by /api/v1/openapi.json
 *
 * Everything it shows it reads from shared memory (src/stats); what it changes it asks of the node
 * as a client does (admin/node-client.ts). It is loaded after the node serves, so a start does not
 * wait for it. Nothing that goes wrong in here is the cache's concern (guard.ts).
 */
import { readFileSync } from "node:fs";
import { readAuthFile } from "../config/auth-file.ts";
import type { NodeView } from "../stats/node-view.ts";
import type { StoreReader } from "../store/store-reader.ts";
import { Access, loadToken, protectionOf } from "./access.ts";
import { parseAdminListen } from "./address.ts";
import { AuditLog, isRefusal } from "./audit.ts";
import { keyRoutes, nodeRoutes, sessionRoutes } from "./change-routes.ts";
import type { ClusterWindow } from "./cluster-frame.ts";
import { clusterMetrics } from "./cluster-metrics.ts";
import { clusterRoutes } from "./cluster-routes.ts";
import { Guard } from "./guard.ts";
import { HotKeyFrames } from "./hot-key-frames.ts";
import { ADMIN_CONNECTIONS_MAX } from "./http-connections.ts";
import { httpServer } from "./http-server.ts";
import { KeyBrowser } from "./key-browser.ts";
import { type Claim, claimAddress } from "./listen.ts";
import { LiveStreams } from "./live.ts";
import { memcachedMetrics, ScrapedStats } from "./memcached-metrics.ts";
import { registryOf } from "./metric.ts";
import { type Login, type NodeAddress, NodeClient } from "./node-client.ts";
import { openApiDocument } from "./openapi.ts";
import { ownMetrics } from "./own-metrics.ts";
import { loadPages, pageRoutes } from "./pages.ts";
import { processMetrics } from "./process-metrics.ts";
import {
  contentRoutes,
  identityRoutes,
  probeRoutes,
  type ReadParts,
  statusRoutes,
} from "./read-routes.ts";
import type { Route } from "./route.ts";
import { Sampler } from "./sampler.ts";

const TICK_MILLISECONDS = 1000;
/** After the whole second, since timers may be early. */
const TICK_LATE_MILLISECONDS = 5;
/** Hot keys are noted for their sparklines once in this many ticks. */
const HOT_KEYS_EVERY = 2;
/** Scrapes within this time get the same answer: a storm of them costs what one costs. */
const METRICS_MILLISECONDS = 500;

/** What the admin interface needs to be told. */
export interface AdminSettings {
  readonly adminListen: string;
  readonly adminTokenFile: string;
  /** Comma-separated. */
  readonly adminHosts: string;
  readonly adminAuditFile: string;
}

export type AdminLogger = (
  level: "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, string | number | boolean>>,
) => void;

export interface AdminParts {
  readonly view: NodeView;
  /** One per shard. */
  readonly readers: readonly StoreReader[];
  readonly settings: AdminSettings;
  /** Where the node can be reached from this machine. */
  readonly node: NodeAddress;
  readonly log: AdminLogger;
  /** The address, where it has been bound already. */
  readonly claim?: Claim;
  /** The cluster it is in, if any. */
  readonly cluster?: ClusterWindow | null;
  /** Connections it may have: what the limit of descriptors leaves. */
  readonly connectionsMax?: number;
  /** Tests: called before whatever the loop calls in here, to fail it. */
  readonly fault?: (where: string) => void;
}

export interface AdminServer {
  /** Where it listens; empty when it is off. */
  readonly url: string;
  close(): Promise<void>;
}

const OFF: AdminServer = { url: "", close: () => Promise.resolve() };

/**
 * Starts the admin interface. Throws ConfigError when its settings are wrong (off loopback without
 * a token), SystemError when its port is taken.
 */
export async function startAdmin(parts: AdminParts): Promise<AdminServer> {
  const { settings, view, log } = parts;
  const address = parseAdminListen(settings.adminListen);
  if (address === null) return OFF;
  const guard = guardOf(parts);
  const access = new Access({
    address,
    token: loadToken(settings.adminTokenFile),
    protection: protectionOf(view.settings),
    hosts: settings.adminHosts
      .split(",")
      .map((host) => host.trim())
      .filter((host) => host !== ""),
    now: () => performance.now(),
  });
  const audit = new AuditLog(
    settings.adminAuditFile,
    (record) => {
      const { event, outcome, ...rest } = record;
      log(isRefusal(record) ? "warn" : "info", `admin ${event}: ${outcome}`, rest);
    },
    guard,
  );
  const sampler = new Sampler(view, performance.now());
  const hotKeys = new HotKeyFrames(view);
  const live = new LiveStreams(view, sampler, hotKeys, guard);
  const node = new NodeClient(parts.node, guard, loginOf(view));
  const reads: ReadParts = {
    view,
    sampler,
    hotKeys,
    keys: new KeyBrowser(view, parts.readers),
    version: packageVersion(),
    metrics: metricsOf(view, sampler, parts.cluster ?? null),
    cluster: parts.cluster ?? null,
  };
  const claim = parts.claim ?? (await claimAddress(address));
  const server = httpServer({
    access,
    audit,
    routes: allRoutes(reads, live, { view, access, audit, node }),
    guard,
    connectionsMax: parts.connectionsMax ?? ADMIN_CONNECTIONS_MAX,
  });
  await server.ready();
  claim.serve(server.server, guard);
  const stopTicking = startTicking(guard, sampler, hotKeys);
  if (access.protection !== "" && !access.tokenSet && address.kind === "tcp") {
    log(
      "warn",
      `admin HTTP shows health and metrics only: the cache is protected (${access.protection}) and no ` +
        "token is set (--admin-token-file)",
    );
  }
  return {
    url: claim.url,
    close: async () => {
      stopTicking();
      live.close();
      node.close();
      claim.close();
      server.server.closeAllConnections();
      await server.close();
      await audit.close();
    },
  };
}

function guardOf({ log, fault }: AdminParts): Guard {
  return new Guard(
    (where, error, untold) => {
      const more = untold > 0 ? { untold } : {};
      log("error", `admin ${where}: ${error.message}`, { stack: error.stack ?? "", ...more });
    },
    () => performance.now(),
    fault,
  );
}

/** With -Y the admin interface logs in as the first user of the file, as it is then. */
function loginOf({ settings }: NodeView): Login {
  const { authFile } = settings;
  return () => (authFile === "" ? null : (readAuthFile(authFile)[0] ?? null));
}

function allRoutes(
  reads: ReadParts,
  live: LiveStreams,
  changes: Parameters<typeof keyRoutes>[0],
): Route[] {
  const routes: Route[] = [
    ...probeRoutes(reads),
    ...identityRoutes(reads),
    ...statusRoutes(reads),
    ...contentRoutes(reads),
    ...sessionRoutes(changes),
    ...keyRoutes(changes),
    ...nodeRoutes(changes),
    ...clusterRoutes(reads.cluster, changes.audit),
    live.route(),
  ];
  const openApi: Route = {
    method: "GET",
    path: "/api/v1/openapi.json",
    summary: "This document.",
    access: "open",
    produces: "application/json",
    handle: () => document,
  };
  const document = openApiDocument([...routes, openApi], packageVersion());
  return [...routes, openApi, ...pageRoutes(loadPages())];
}

function metricsOf(
  view: NodeView,
  sampler: Sampler,
  cluster: ClusterWindow | null,
): () => Promise<string> {
  const stats = new ScrapedStats(view);
  const source = {
    view,
    frame: () => sampler.frame(),
    version: packageVersion(),
  };
  const registry = registryOf([
    ...memcachedMetrics(stats),
    ...processMetrics(),
    ...ownMetrics(source),
    ...clusterMetrics(cluster),
  ]);
  let text: Promise<string> = Promise.resolve("");
  let made = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - made > METRICS_MILLISECONDS) {
      made = now;
      stats.refresh();
      text = registry.metrics();
    }
    return text;
  };
}

/** Ticks just after every whole second, so that each second of the history is one of the clock. */
function startTicking(guard: Guard, sampler: Sampler, hotKeys: HotKeyFrames): () => void {
  let ticks = 0;
  const untilSecond = (): number =>
    TICK_MILLISECONDS - (Date.now() % TICK_MILLISECONDS) + TICK_LATE_MILLISECONDS;
  return guard.every("tick", untilSecond, () => {
    if (ticks++ % HOT_KEYS_EVERY === 0) guard.run("hot keys", () => hotKeys.tick());
    guard.run("sampler", () => sampler.tick(performance.now(), Math.floor(Date.now() / 1000)));
  });
}

/** The package's own version; package.json lies above src, dist/src or dist/server/src. */
export function packageVersion(): string {
  for (const up of ["../../", "../../../", "../../../../"]) {
    try {
      const text = readFileSync(new URL(`${up}package.json`, import.meta.url), "utf8");
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      // Not here: compiled code lies deeper than the source.
    }
  }
  return "0.0.0";
}

/** What a start came to, for the log: one line for people, fields for machines. */
import { readFileSync } from "node:fs";
import type { Settings } from "../config/settings.ts";
import { sizeText } from "../config/values.ts";
import { type Listening, listeningText } from "./listeners.ts";
import type { LogFields } from "./log.ts";

/** What serves the sockets, in people's words. */
export type TransportName = "io_uring" | "epoll" | "Node's sockets";

export interface Chosen {
  readonly version: string;
  readonly settings: Settings;
  readonly transport: TransportName;
  /** Workers that serve sockets. */
  readonly socketThreads: number;
  readonly sockets: readonly Listening[];
  /** Where the admin server listens; null where it does not. */
  readonly adminUrl: string | null;
}

const HUGE_PAGES_FILE = "/sys/kernel/mm/transparent_hugepage/enabled";

export function startLine(chosen: Chosen): { message: string; fields: LogFields } {
  const { version, settings, transport, socketThreads, sockets, adminUrl } = chosen;
  const { threads, memoryBytes } = settings;
  const isUdp = ({ kind }: Listening) => kind === "udp4" || kind === "udp6";
  const streams = sockets.filter((socket) => !isUdp(socket)).map(listeningText);
  const udp = sockets.filter(isUdp).map(listeningText);
  const hugePages = transport === "Node's sockets" ? "none" : hugePagesOf();
  const message =
    `serving ${streams.join(", ") || "no TCP"} with ${threads} threads, ` +
    `${sizeText(memoryBytes)} for items, by ${transport}; huge pages ${hugePages}; ` +
    `UDP ${udp.join(", ") || "off"}; no TLS; shardcached ${version}; ` +
    (adminUrl === null ? "no admin HTTP" : `admin HTTP on ${adminUrl}`);
  const fields = {
    version,
    node: process.versions.node,
    threads,
    socketThreads,
    transport,
    memoryBytes,
    hugePages,
    listeners: streams,
    udp,
    admin: adminUrl ?? "",
    tls: "none",
  };
  return { message, fields };
}

/** Whether the kernel gives memory that asks for them, as ours does, huge pages. */
function hugePagesOf(): "asked for" | "none" {
  try {
    return readFileSync(HUGE_PAGES_FILE, "latin1").includes("[never]") ? "none" : "asked for";
  } catch {
    return "none";
  }
}

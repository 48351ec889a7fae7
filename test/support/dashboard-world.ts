/** What a test of the dashboard stands on: a browser, and an admin server over a simulated node. */
import { type Browser, chromium } from "playwright-core";
import { type AdminServer, startAdmin } from "../../src/admin/admin.ts";
import type { SimulatedNode } from "./simulated-node.ts";

/** Debian's Chromium, which asks nobody for anything by itself. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** Serves a node's dashboard on a free port of loopback. */
export function serveDashboard(simulated: SimulatedNode): Promise<AdminServer> {
  return startAdmin({
    view: simulated.node.view,
    readers: simulated.readers,
    settings: {
      adminListen: "127.0.0.1:0",
      adminTokenFile: "",
      adminHosts: "",
      adminAuditFile: "",
    },
    node: { host: "127.0.0.1", port: 9 },
    log: () => {},
  });
}

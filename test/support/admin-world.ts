/**
 * The admin interface over a simulated node, with a stand-in for the node's own listener that knows
 * one key.
 */
import { request as httpRequest } from "node:http";
import { createServer, type Server } from "node:net";
import { type AdminParts, type AdminServer, startAdmin } from "../../src/admin/admin.ts";
import type { Settings } from "../../src/config/settings.ts";
import { observedNode } from "./observed-node.ts";

/** What the stand-in answers. */
const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/^mg a2V5 /, "VA 5 f7 c42 t60 l3 h1 s70\r\nhello\r\n"],
  [/^mg /, "EN\r\n"],
  [/^ms /, "HD\r\n"],
  [/^md /, "HD\r\n"],
  [/^flush_all/, "OK\r\n"],
];

export interface AdminWorld {
  readonly admin: AdminServer;
  close(): Promise<void>;
}

/** `settings` are the node's, the admin's own among them. */
export async function adminWorld(
  settings: Partial<Settings>,
  parts: Partial<AdminParts> = {},
): Promise<AdminWorld> {
  const node: Server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      const answer = ANSWERS.find(([pattern]) => pattern.test(text));
      if (answer !== undefined) socket.write(answer[1]);
    });
  });
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  const all = { adminListen: "127.0.0.1:0", ...settings };
  const { view } = observedNode(all);
  const admin = await startAdmin({
    view,
    readers: [],
    settings: view.settings,
    node: { host: "127.0.0.1", port: (node.address() as { port: number }).port },
    log: () => {},
    ...parts,
  });
  return {
    admin,
    close: async () => {
      await admin.close();
      await new Promise((resolve) => node.close(resolve));
    },
  };
}

/** Asks over TCP or a Unix socket; resolves to the status once the headers are there. */
export function statusOf(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<number> {
  const where = url.startsWith("unix:")
    ? { socketPath: url.slice("unix:".length), host: "localhost" }
    : { host: new URL(url).hostname, port: new URL(url).port };
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const asked = httpRequest(
      { ...where, method, path, agent: false, headers: { ...json, ...headers } },
      (response) => {
        resolve(response.statusCode ?? 0);
        response.destroy(); // a live stream has no end
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

/**
 * etcd's JSON gateway, as much of it as the server uses, with what real members do when they are
 * not well as switches. It keeps keys, leases and revisions, answers watches, and counts.
 *
 * Each switch is something etcd 3.4 was seen to do; `dialect` 3.6 says errors its way.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

type Json = Record<string, unknown>;

interface Kept {
  readonly value: string;
  readonly revision: number;
  readonly created: number;
  readonly lease: string;
}

/** What the members of one etcd share. */
export class GatewayState {
  readonly keys = new Map<string, Kept>();
  readonly leases = new Set<string>();
  revision = 1;
  readonly watches = new Set<ServerResponse>();
  user = "";
  password = "";
  readonly tokens = new Set<string>();

  changed(): void {
    this.revision += 1;
    for (const watch of this.watches) watch.write(line({ result: { events: [{}] } }));
  }
}

const line = (body: Json) => `${JSON.stringify(body)}\n`;

export class FakeGateway {
  readonly #state: GatewayState;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Answers nothing, and keeps connections open: a process that is stopped. */
  isSilent = false;
  /** Answers that it has no leader. */
  isLeaderless = false;
  /** Every path is 404, in words: started with --enable-grpc-gateway=false. */
  isOff = false;
  /** A permission is missing. */
  isForbidden = false;
  dialect: "3.4" | "3.6" = "3.4";
  readonly calls: { path: string; headers: IncomingMessage["headers"]; body: Json }[] = [];

  constructor(state: GatewayState) {
    this.#state = state;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** As SIGKILL: connections end in the middle. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  pathsAsked(): string[] {
    return this.calls.map(({ path }) => path);
  }

  /** Ends every watch with these lines, or just ends it. */
  endWatches(...bodies: Json[]): void {
    for (const watch of this.#state.watches) {
      for (const body of bodies) watch.write(line(body));
      if (bodies.length === 0) watch.end();
    }
    if (bodies.length === 0) this.#state.watches.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const piece of request) text += piece;
    if (this.isSilent) return;
    const path = request.url ?? "";
    const body = JSON.parse(text) as Json;
    this.calls.push({ path, headers: request.headers, body });
    if (this.isOff) {
      response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
      return;
    }
    const refusal = this.#refusal(path, request.headers.authorization);
    if (refusal !== null) {
      const [status, code, message] = refusal;
      const answer = this.dialect === "3.4" ? { error: message, message, code } : { code, message };
      response.writeHead(status).end(JSON.stringify(answer));
      return;
    }
    if (path === "/v3/watch") return this.#watch(response);
    const answer = this.#answer(path, body);
    const [status, json] = Array.isArray(answer) ? answer : [200, answer];
    response.writeHead(status).end(JSON.stringify(json));
  }

  #refusal(path: string, token: string | undefined): [number, number, string] | null {
    if (this.isLeaderless) return [503, 14, "etcdserver: no leader"];
    const { user, tokens } = this.#state;
    const needsNone = path === "/v3/auth/authenticate" || path === "/v3/lease/keepalive";
    if (user !== "" && !needsNone) {
      if (token === undefined) return [400, 3, "etcdserver: user name is empty"];
      if (!tokens.has(token)) return [401, 16, "etcdserver: invalid auth token"];
    }
    return this.isForbidden ? [403, 7, "etcdserver: permission denied"] : null;
  }

  #watch(response: ServerResponse): void {
    this.#state.watches.add(response);
    response.on("close", () => this.#state.watches.delete(response));
    // In pieces, as chunks come when the network is slow.
    const created = line({ result: { header: {}, created: true } });
    response.write(created.slice(0, 10));
    setTimeout(() => response.write(created.slice(10)), 5);
  }

  #answer(path: string, body: Json): Json | [number, Json] {
    const state = this.#state;
    switch (path) {
      case "/v3/auth/authenticate": {
        if (body["name"] !== state.user || body["password"] !== state.password) {
          const message = "etcdserver: authentication failed, invalid user ID or password";
          return [400, { error: message, code: 3 }];
        }
        const token = `token-${state.tokens.size}`;
        state.tokens.add(token);
        return { token };
      }
      case "/v3/lease/grant": {
        const ID = String(7_587_000_000_000_000_000n + BigInt(state.leases.size));
        state.leases.add(ID);
        return { ID, TTL: body["TTL"] };
      }
      case "/v3/lease/keepalive": {
        const isAlive = state.leases.has(String(body["ID"]));
        // A lease that is gone is no error: its TTL is missing.
        return { result: { ID: body["ID"], ...(isAlive ? { TTL: "15" } : {}) } };
      }
      case "/v3/lease/revoke":
        this.expire(String(body["ID"]));
        return {};
      case "/v3/kv/put": {
        const lease = String(body["lease"]);
        if (!state.leases.has(lease)) {
          return [404, { error: "etcdserver: requested lease not found", code: 5 }];
        }
        this.#put(String(body["key"]), String(body["value"]), lease);
        return {};
      }
      case "/v3/kv/range":
        return this.#range();
      case "/v3/kv/txn":
        return this.#swap(body);
      default:
        return [404, { error: "Not Found", code: 5 }];
    }
  }

  expire(lease: string): void {
    const { leases, keys } = this.#state;
    leases.delete(lease);
    for (const [key, kept] of keys) if (kept.lease === lease) keys.delete(key);
    this.#state.changed();
  }

  #put(key: string, value: string, lease: string): void {
    const { keys, revision } = this.#state;
    const created = keys.get(key)?.created ?? revision + 1;
    keys.set(key, { value, revision: revision + 1, created, lease });
    this.#state.changed();
  }

  #range(): Json {
    const kvs = [...this.#state.keys].map(([key, { value, revision }]) => ({
      key,
      value,
      mod_revision: String(revision),
    }));
    return kvs.length === 0 ? { header: {} } : { header: {}, kvs, count: String(kvs.length) };
  }

  #swap({ compare, success }: Json): Json {
    const [wanted] = compare as { key: string; mod_revision?: string }[];
    const [{ request_put: put }] = success as [{ request_put: { key: string; value: string } }];
    const kept = this.#state.keys.get(wanted?.key ?? "");
    const isSame =
      wanted?.mod_revision === undefined
        ? kept === undefined
        : String(kept?.revision) === wanted.mod_revision;
    if (!isSame) return { header: {} }; // false is left out
    this.#put(put.key, put.value, "");
    return { succeeded: true };
  }
}

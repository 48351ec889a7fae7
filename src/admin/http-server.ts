/**
 * HTTP server: fastify with the rules every request passes before its route: Host, token, headers.
 *
 *   connection ─▶ a place (http-connections.ts) ─▶ headers within seconds
 *   request ─▶ Host header names us? ─▶ the route's access: open | metrics | contents | change ─▶ route ─▶ answer with the security headers
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Access, Verdict } from "./access.ts";
import { CHANGE_HEADER } from "./access.ts";
import type { AuditLog } from "./audit.ts";
import type { Guard } from "./guard.ts";
import { HttpConnections } from "./http-connections.ts";
import { CONTENT_SECURITY_POLICY } from "./pages.ts";
import { credentialsOf, HttpError, type Route, TOO_MANY_FAILURES } from "./route.ts";

const BODY_BYTES_MAX = 1_500_000;
/** A key of 250 bytes in base64, and room to say that a longer one is none. */
const PARAMETER_LENGTH_MAX = 512;
/** Who has connected must ask within this, headers and all: what has more to say has less of it. */
const HEADERS_MILLISECONDS_MAX = 5000;
const REQUEST_MILLISECONDS_MAX = 15_000;
const IDLE_MILLISECONDS_MAX = 30_000;
/** How often the times above are looked at. */
const CHECK_MILLISECONDS = 1000;
/** One of this many refusals for guessing is recorded. */
const GUESSES_PER_RECORD = 100;

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

const REFUSALS: Readonly<Record<Exclude<Verdict, "allowed">, readonly [number, string]>> = {
  unauthorized: [401, "a token is needed: Authorization: Bearer …"],
  forbidden: [403, `a change needs the header ${CHANGE_HEADER}: 1`],
  "no-token-set": [
    403,
    "changes are off: start with --admin-token-file or SHARDCACHED_ADMIN_TOKEN",
  ],
  "too-many-failures": [429, TOO_MANY_FAILURES],
  protected: [
    403,
    "the cache is protected, so its contents need a token: start with --admin-token-file or " +
      "SHARDCACHED_ADMIN_TOKEN, or with --admin-listen unix:/path",
  ],
};

export interface HttpParts {
  readonly access: Access;
  readonly audit: AuditLog;
  readonly routes: readonly Route[];
  readonly guard: Guard;
  /** Connections it may have at a time. */
  readonly connectionsMax: number;
}

/** Builds the server; it does not listen yet. */
export function httpServer(parts: HttpParts): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MILLISECONDS_MAX,
    keepAliveTimeout: IDLE_MILLISECONDS_MAX,
    http: {
      headersTimeout: HEADERS_MILLISECONDS_MAX,
      connectionsCheckingInterval: CHECK_MILLISECONDS,
    },
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
    ajv: { customOptions: { removeAdditional: false } },
  });
  parts.guard.onError(server.server, "admin listener");
  new HttpConnections(parts.guard, parts.connectionsMax).watch(server.server);
  server.addHook("onRequest", (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    if (!request.url.startsWith("/api/") || reply.getHeader("cache-control") === undefined) {
      reply.header("cache-control", "no-store");
    }
    done(parts.access.isKnownHost(request.headers.host) ? undefined : unknownHost(request));
  });
  for (const route of parts.routes) addRoute(server, parts, route);
  server.setNotFoundHandler((_, reply) => reply.code(404).send({ error: "there is nothing here" }));
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500 && !(error instanceof HttpError)) {
      parts.guard.failed(request.routeOptions.url ?? "request", error);
    }
    const message = status >= 500 && !(error instanceof HttpError) ? "our error" : error.message;
    if (status === 401) reply.header("www-authenticate", "Bearer");
    void reply.code(status).send({ error: message });
  });
  return server;
}

function unknownHost(request: FastifyRequest): HttpError {
  const host = String(request.headers.host ?? "").slice(0, 100);
  return new HttpError(421, `the Host header "${host}" is not this server's: see --admin-hosts`);
}

function addRoute(server: FastifyInstance, parts: HttpParts, route: Route): void {
  const schema: Record<string, unknown> = {};
  if (route.query !== undefined) schema["querystring"] = route.query;
  if (route.params !== undefined) schema["params"] = route.params;
  if (route.body !== undefined) schema["body"] = route.body;
  server.route({
    method: route.method,
    url: route.path,
    schema,
    exposeHeadRoute: route.method === "GET",
    onRequest: (request, _reply, done) => {
      done(refusal(parts, route, request) ?? undefined);
    },
    handler: (request: FastifyRequest, reply: FastifyReply) => route.handle(request, reply),
  });
}

function refusal(
  { access, audit }: HttpParts,
  route: Route,
  request: FastifyRequest,
): Error | null {
  const verdict = access.may(route.access, credentialsOf(request));
  if (verdict === "allowed") return null;
  const [status, message] = REFUSALS[verdict];
  if (verdict !== "too-many-failures" || guesses++ % GUESSES_PER_RECORD === 0) {
    audit.record({
      event: "refused",
      outcome: verdict,
      peer: request.ip,
      route: `${route.method} ${route.path}`,
    });
  }
  return new HttpError(status, message);
}

let guesses = 0;

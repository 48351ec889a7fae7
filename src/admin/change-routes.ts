/**
 * The routes that change something, or show a value; every one of them is audited. Values never
 * reach the audit log.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import type { NodeView } from "../stats/node-view.ts";
import { type Access, SESSION_COOKIE } from "./access.ts";
import type { AuditEvent, AuditLog } from "./audit.ts";
import type { NodeClient } from "./node-client.ts";
import { credentialsOf, HttpError, objectSchema, type Route, TOO_MANY_FAILURES } from "./route.ts";
import { keyText } from "./text.ts";

const JSON_TYPE = "application/json";
/** Bytes of a value the API sends unless asked for more, or less; longer ones are cut, and say so. */
const VALUE_BYTES_SHOWN = 64 * 1024;
const VALUE_BYTES_SHOWN_MAX = 1024 * 1024;
const VALUE_LENGTH_MAX = 1024 * 1024;
const UINT32_MAX = 4_294_967_295;
const SESSION_SECONDS = 12 * 3600;

const KEY_PARAMS = objectSchema(
  {
    id: { type: "string", pattern: "^[A-Za-z0-9_-]{2,336}$", description: "base64url of the key" },
  },
  ["id"],
);

export interface ChangeParts {
  readonly view: NodeView;
  readonly access: Access;
  readonly audit: AuditLog;
  readonly node: NodeClient;
}

function keyOf(request: FastifyRequest): Buffer {
  const { id } = request.params as { id: string };
  const key = Buffer.from(id, "base64url");
  if (key.length === 0 || key.length > KEY_BYTES_MAX) throw new HttpError(400, "not a key");
  return key;
}

/** Asks the node; its silence or refusal is the gateway's error. */
async function asked<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (cause) {
    throw new HttpError(502, `the node did not answer: ${(cause as Error).message}`, { cause });
  }
}

/** Sessions. */
export function sessionRoutes({ access, audit }: ChangeParts): Route[] {
  return [
    {
      method: "GET",
      path: "/api/v1/session",
      summary: "What this client may do.",
      access: "open",
      produces: JSON_TYPE,
      handle: (request) => {
        const who = credentialsOf(request);
        return {
          mayRead: access.may("contents", who) === "allowed",
          mayChange: access.isKnown(who),
          tokenSet: access.tokenSet,
          protection: access.protection,
        };
      },
    },
    {
      method: "POST",
      path: "/api/v1/login",
      summary: "Trades the token for a session cookie of 12 hours.",
      access: "open",
      body: objectSchema({ token: { type: "string", maxLength: 512 } }, ["token"]),
      produces: JSON_TYPE,
      handle: (request, reply) => {
        const session = access.login((request.body as { token: string }).token);
        if (session === null && access.isGuessed()) throw new HttpError(429, TOO_MANY_FAILURES);
        const outcome = session === null ? "failed" : "ok";
        audit.record({ event: "login", outcome, peer: request.ip });
        if (session === null) throw new HttpError(401, "that is not the token");
        setSession(reply, session, SESSION_SECONDS);
        return { mayRead: true, mayChange: true, tokenSet: true };
      },
    },
    {
      method: "POST",
      path: "/api/v1/logout",
      summary: "Ends the session.",
      access: "open",
      produces: JSON_TYPE,
      handle: (request, reply) => {
        access.logout(request.headers.cookie);
        audit.record({ event: "logout", outcome: "ok", peer: request.ip });
        setSession(reply, "", 0);
        return { mayChange: false };
      },
    },
  ];
}

function setSession(reply: FastifyReply, session: string, seconds: number): void {
  reply.header(
    "set-cookie",
    `${SESSION_COOKIE}=${session}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict`,
  );
}

/** One key. */
export function keyRoutes({ audit, node }: ChangeParts): Route[] {
  const note = (
    request: FastifyRequest,
    event: AuditEvent,
    key: Buffer,
    outcome: string,
    valueBytes?: number,
  ): void => {
    const length = valueBytes === undefined ? {} : { valueBytes };
    audit.record({ event, outcome, peer: request.ip, key: keyText(key), ...length });
  };
  return [
    {
      method: "GET",
      path: "/api/v1/keys/:id",
      summary: "An item and the beginning of its value, in base64. It does not count as an access.",
      access: "contents",
      params: KEY_PARAMS,
      query: objectSchema({
        limit: {
          type: "integer",
          minimum: 0,
          maximum: VALUE_BYTES_SHOWN_MAX,
          default: VALUE_BYTES_SHOWN,
          description: "Bytes of the value that are sent.",
        },
      }),
      produces: JSON_TYPE,
      handle: async (request) => {
        const key = keyOf(request);
        const { limit } = request.query as { limit: number };
        const item = await asked(node.read(key, limit));
        if (item === null) throw new HttpError(404, "there is no such key");
        const { value, ...rest } = item;
        return {
          id: key.toString("base64url"),
          text: keyText(key),
          ...rest,
          value: value.toString("base64"),
          truncated: value.length < item.valueBytes,
        };
      },
    },
    {
      method: "PUT",
      path: "/api/v1/keys/:id",
      summary: "Stores a value.",
      access: "change",
      params: KEY_PARAMS,
      body: objectSchema(
        {
          value: { type: "string", maxLength: VALUE_LENGTH_MAX, description: "base64" },
          clientFlags: { type: "integer", minimum: 0, maximum: UINT32_MAX, default: 0 },
          ttl: { type: "integer", minimum: 0, maximum: 2_592_000, default: 0 },
        },
        ["value"],
      ),
      produces: JSON_TYPE,
      handle: async (request) => {
        const key = keyOf(request);
        const body = request.body as { value: string; clientFlags: number; ttl: number };
        const value = Buffer.from(body.value, "base64");
        const answer = await asked(node.write(key, value, body.clientFlags, body.ttl));
        note(request, "key.set", key, answer, value.length);
        if (!answer.startsWith("HD")) throw new HttpError(409, `the node said: ${answer}`);
        return { stored: true };
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/keys/:id",
      summary: "Deletes a key.",
      access: "change",
      params: KEY_PARAMS,
      produces: JSON_TYPE,
      handle: async (request) => {
        const key = keyOf(request);
        const answer = await asked(node.delete(key));
        note(request, "key.delete", key, answer);
        if (answer.startsWith("NF")) throw new HttpError(404, "there is no such key");
        if (!answer.startsWith("HD")) throw new HttpError(409, `the node said: ${answer}`);
        return { deleted: true };
      },
    },
  ];
}

/** The whole node. */
export function nodeRoutes({ view, audit, node }: ChangeParts): Route[] {
  return [
    {
      method: "POST",
      path: "/api/v1/flush",
      summary: "Forgets every item (flush_all).",
      access: "change",
      produces: JSON_TYPE,
      handle: async (request) => {
        const answer = await asked(node.flush());
        audit.record({ event: "flush", outcome: answer, peer: request.ip });
        if (answer !== "OK") throw new HttpError(409, `the node said: ${answer}`);
        return { flushed: true };
      },
    },
    {
      method: "POST",
      path: "/api/v1/stats/reset",
      summary: "Sets the counters of `stats` back to 0; metrics go on.",
      access: "change",
      produces: JSON_TYPE,
      handle: (request) => {
        view.reset();
        audit.record({ event: "stats.reset", outcome: "ok", peer: request.ip });
        return { reset: true };
      },
    },
  ];
}

/**
 * Route: what the admin API serves, as a table: the server registers it, and the OpenAPI document
 * is made from it, so that nothing is served that is not documented.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Credentials, RouteAccess } from "./access.ts";
import { CHANGE_HEADER } from "./access.ts";

/** A JSON schema, as fastify checks it and OpenAPI shows it. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  /** Who may use it (admin/access.ts). */
  readonly access: RouteAccess;
  readonly query?: Schema;
  readonly params?: Schema;
  readonly body?: Schema;
  /** Media type of the answer. */
  readonly produces: string;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** What a request says of who asks. */
export function credentialsOf({ headers }: FastifyRequest): Credentials {
  return {
    authorization: headers.authorization,
    cookie: headers.cookie,
    changeHeader: headers[CHANGE_HEADER] as string | undefined,
  };
}

/** An object schema with these properties, and no others. */
export function objectSchema(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}

/** The words of a 429. */
export const TOO_MANY_FAILURES = "too many failed attempts: wait a minute";

/** An error a client caused: its message is the answer. */
export class HttpError extends Error {
  readonly statusCode: number;
  override readonly name = "HttpError";

  constructor(statusCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
  }
}

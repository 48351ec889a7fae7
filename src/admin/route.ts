/**
 * Route: what the admin API serves, as a table: the server registers it, and the OpenAPI document
 * is made from it, so that nothing is served that is not documented.
 */
import type { FastifyReply, FastifyRequest } from "fastify";

/** A JSON schema, as fastify checks it and OpenAPI shows it. */
export type Schema = Readonly<Record<string, unknown>>;

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  /** `open`: no token ever; `change`: always a token. */
  readonly access: "open" | "read" | "change";
  readonly query?: Schema;
  readonly params?: Schema;
  readonly body?: Schema;
  /** Media type of the answer. */
  readonly produces: string;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** An object schema with these properties, and no others. */
export function objectSchema(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}

/** An error a client caused: its message is the answer. */
export class HttpError extends Error {
  readonly statusCode: number;
  override readonly name = "HttpError";

  constructor(statusCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
  }
}

/** The OpenAPI 3.1 document of the admin API, made from its route table. */
import type { Route, Schema } from "./route.ts";

function parameters(place: "query" | "path", schema: Schema | undefined): unknown[] {
  const properties = (schema?.["properties"] ?? {}) as Record<string, Schema>;
  const required = (schema?.["required"] ?? []) as string[];
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: each,
  }));
}

function responses({ access, produces, body }: Route): Record<string, unknown> {
  const answer: Record<string, unknown> = {
    "200": { description: "Done.", content: { [produces]: {} } },
  };
  if (body !== undefined) answer["400"] = { description: "The request is wrong." };
  if (access !== "open") {
    answer["401"] = {
      description: "A token is needed: on loopback for changes, elsewhere always.",
    };
    answer["429"] = { description: "Too many failed attempts." };
  }
  if (access === "change") answer["403"] = { description: "No token is set, so nothing changes." };
  return answer;
}

/** The document. */
export function openApiDocument(routes: readonly Route[], version: string): Schema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    const operation = {
      summary: route.summary,
      parameters: [...parameters("path", route.params), ...parameters("query", route.query)],
      ...(route.body === undefined
        ? {}
        : { requestBody: { content: { "application/json": { schema: route.body } } } }),
      responses: responses(route),
      ...(route.access === "change" ? { security: [{ token: [] }, { session: [] }] } : {}),
    };
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "shardcached admin API",
      version,
      description:
        "What a node does and holds. Reading needs nothing on loopback; a token is needed off loopback and for every change.",
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "shardcached_session" },
      },
    },
  };
}

/** The routes of a node that is in a cluster: its nodes, and forgetting a dead one. */
import type { AuditLog } from "./audit.ts";
import { type ClusterWindow, clusterFrame, NO_CLUSTER } from "./cluster-frame.ts";
import { HttpError, objectSchema, type Route } from "./route.ts";

const JSON_TYPE = "application/json";
const NAME_LENGTH_MAX = 253;

/** `cluster` null: the node is in none. */
export function clusterRoutes(cluster: ClusterWindow | null, audit: AuditLog): Route[] {
  const frame = () => (cluster === null ? NO_CLUSTER : clusterFrame(cluster.state()));
  return [
    {
      method: "GET",
      path: "/api/v1/cluster",
      summary: "The nodes clients are told of, their version and where they come from.",
      access: "contents",
      produces: JSON_TYPE,
      handle: frame,
    },
    {
      method: "POST",
      path: "/api/v1/cluster/forget",
      summary: "Takes a dead node out of an etcd cluster; its keys move to the others.",
      access: "change",
      body: objectSchema({ name: { type: "string", minLength: 1, maxLength: NAME_LENGTH_MAX } }, [
        "name",
      ]),
      produces: JSON_TYPE,
      handle: async (request) => {
        const { name } = request.body as { name: string };
        if (cluster === null) throw new HttpError(409, "this node is in no cluster");
        const refusal = await forgotten(cluster, name);
        const outcome = refusal === null ? "ok" : "refused";
        audit.record({ event: "cluster.forget", outcome, peer: request.ip, node: name });
        if (refusal !== null) throw new HttpError(409, refusal);
        return frame();
      },
    },
  ];
}

async function forgotten(cluster: ClusterWindow, name: string): Promise<string | null> {
  try {
    return await cluster.forget(name);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HttpError(502, `etcd cannot be used: ${why}`, { cause });
  }
}

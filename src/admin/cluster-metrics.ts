/** Metrics of the list clients are told. Only nodes of a cluster have them. */
import { type ClusterFrame, type ClusterWindow, clusterFrame } from "./cluster-frame.ts";
import { counter, gauge, type MetricSpec, type Sample } from "./metric.ts";

export function clusterMetrics(cluster: ClusterWindow | null): MetricSpec[] {
  if (cluster === null) return [];
  const of = (name: string) => `shardcached_cluster_${name}`;
  const frame = () => clusterFrame(cluster.state());
  return [
    gauge(
      of("version"),
      "Version of the list clients are told; 0 while none is known.",
      () => frame().version,
    ),
    gauge(of("nodes"), "Nodes by state: listed, or with etcd its state in the ring.", () =>
      byState(frame()),
    ),
    gauge(
      of("nodes_alive"),
      "Nodes that live, as etcd knows it; 0 without etcd.",
      () => frame().nodes.filter(({ alive }) => alive === true).length,
    ),
    counter(
      of("list_changes_total"),
      "Lists told to clients since the start.",
      () => frame().changes,
    ),
    gauge(of("source_up"), "1 while the source of the list can be used.", () =>
      frame().problem === "" ? 1 : 0,
    ),
  ];
}

function byState({ nodes }: ClusterFrame): Sample[] {
  const counts = new Map<string, number>();
  for (const { state } of nodes) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ labels: { state }, value }));
}

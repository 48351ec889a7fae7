/**
 * A node's shared memory without any thread: laid out as the primary lays it out, written by the
 * test, read by src/stats and src/admin through their views.
 */
import { Clock } from "../../src/base/clock.ts";
import { KeyHash } from "../../src/base/key-hash.ts";
import { SETTINGS_DEFAULTS, type Settings } from "../../src/config/settings.ts";
import { Arena } from "../../src/memory/arena.ts";
import { ServerState } from "../../src/memory/control.ts";
import { NodeHeader } from "../../src/memory/node-header.ts";
import { writePlan } from "../../src/memory/shard-plan.ts";
import { allocateBuffers, planMemory } from "../../src/primary/memory-plan.ts";
import { type NodeParts, NodeView } from "../../src/stats/node-view.ts";
import { renderStats, type StatsOutcome } from "../../src/stats/render.ts";

/** The Unix time at which the node's clock would have read 0. */
const EPOCH_UNIX = 1_700_000_000;

export interface ObservedNode {
  readonly parts: NodeParts;
  readonly view: NodeView;
  readonly clock: Clock;
  readonly hash: KeyHash;
}

/** An empty node of two workers whose clock stands at 1000. */
export function observedNode(changes: Partial<Settings> = {}): ObservedNode {
  const settings: Settings = { ...SETTINGS_DEFAULTS, threads: 2, ...changes };
  const plan = planMemory(settings, "native");
  const arenas = allocateBuffers(plan.bufferBytes).map(({ buffer }) => new Arena(buffer));
  for (const place of plan.layout.shards) {
    writePlan(arenas[place.arena] as Arena, place.base, plan.shardPlan);
  }
  const { node } = plan.layout;
  const birth = { shardCount: settings.threads, hashSeedLow: 1, hashSeedHigh: 2 };
  NodeHeader.format(arenas[node.arena] as Arena, node.base, birth);
  new NodeHeader(arenas[node.arena] as Arena, node.base).setEpochUnix(EPOCH_UNIX);
  const parts = { settings, layout: plan.layout, arenas };
  const view = new NodeView(parts);
  const clock = new Clock(EPOCH_UNIX);
  clock.now = 1000 as typeof clock.now;
  view.control.setNow(clock.now);
  view.control.setState(ServerState.serving);
  return { parts, view, clock, hash: new KeyHash(1, 2) };
}

/** What `stats <sub> <argument>` answers: names and values, in order. */
export function statsOf(
  view: NodeView,
  sub = "",
  argument = "",
): { outcome: StatsOutcome; names: string[]; values: Record<string, string> } {
  const names: string[] = [];
  const values: Record<string, string> = {};
  const outcome = renderStats(view, sub, argument, -1, (name, value) => {
    names.push(name);
    values[name] = String(value);
  });
  return { outcome, names, values };
}

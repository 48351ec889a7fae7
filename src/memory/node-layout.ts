/**
 * Node layout: every region of the memory that threads share, in one table. Where they lie, of what
 * type a layout is, and the views over it all come from that table; so does the test of this drawing.
 *
 *   buffer 0  | control | cluster | links | native… | counters… | logs… | observations… | connections… | io… | node | shards… |
 *
 *   …      one for each thread (the workers, then the primary), socket thread, or shard
 *   node   and what follows it are what a next process would need; nothing before it means anything to one
 *
 * One buffer while all of it fits, since `copyWithin` inside one array is the cheapest copy there is; else
 * every shard gets a buffer of its own, and the rest stays in buffer 0. Memory is zero pages until
 * touched: address space is what this spends.
 *
 * Invariants:
 *  - a region begins on a page, so that no two threads' regions share a page or a cache line, and a file
 *    can be mapped over header and shards;
 *  - a shard lies in one buffer.
 */
import { assert } from "../base/assert.ts";
import { ConfigError } from "../base/errors.ts";
import { CACHE_LINE_BYTES, compact, KIB, MIB, roundUp } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import { CLUSTER_BLOCK_BYTES, ClusterBlock } from "./cluster-block.ts";
import { ConnectionTable, connectionTableBytes } from "./connection-table.ts";
import { Control, controlBytes } from "./control.ts";
import { COUNTERS_BYTES, Counters } from "./counters.ts";
import { logRingBytes } from "./log-ring.ts";
import { NODE_HEADER_BYTES, NodeHeader } from "./node-header.ts";
import { OBSERVATION_BYTES, Observation } from "./observation.ts";
import { ShardMemory } from "./shard-memory.ts";

const PAGE_BYTES = 4 * KIB;

assert(PAGE_BYTES % CACHE_LINE_BYTES === 0, "a page begins a cache line");

/** What the sizes depend on. */
export interface NodeFacts {
  /** Workers; thread number `threads` is the primary. */
  readonly threads: number;
  readonly shardCount: number;
  /**
   * Workers 0 … socketThreads - 1 serve sockets; the rest only their shards. 0 under the node
   * transport.
   */
  readonly socketThreads: number;
  /** Under the node transport, or when there is UDP. */
  readonly primaryServes: boolean;
  /** There is a cluster whose nodes are told. */
  readonly listsNodes: boolean;
  /** Connections one thread can have: slots of its transport. */
  readonly connectionSlots: number;
  /** Of all links together (ring/link-plan.ts). */
  readonly linkBytes: number;
  /** Of one socket thread's transport (transport/native-plan.ts). */
  readonly nativeBytes: number;
  /** Of one thread that serves sockets (memory/io-region.ts). */
  readonly ioBytes: number;
  /** Of one shard (memory/shard-plan.ts). */
  readonly shardBytes: number;
}

/** Where a region lies: in buffer `arena`, from byte `base`, a multiple of a page. */
export interface Place {
  readonly arena: number;
  readonly base: number;
}

/** A region whose contents another layer knows. */
export interface Site {
  readonly arena: Arena;
  readonly base: number;
}

/** How many there are of a region, from the facts. */
const COUNTS = {
  node: () => 1,
  thread: ({ threads }: NodeFacts) => threads + 1,
  socketThread: ({ socketThreads }: NodeFacts) => socketThreads,
  shard: ({ shardCount }: NodeFacts) => shardCount,
} as const;
type Each = keyof typeof COUNTS;

function region<const E extends Each, View>(
  each: E,
  bytes: (facts: NodeFacts, index: number) => number,
  view: (arena: Arena, base: number, facts: NodeFacts) => View,
) {
  return { each, bytes, view };
}

const site = (arena: Arena, base: number): Site => ({ arena, base });

/** In the order they lie in. */
export const REGIONS = {
  control: region(
    "node",
    ({ threads }) => controlBytes(threads),
    (arena, base) => new Control(arena, base),
  ),
  /** Of 0 bytes without a cluster. */
  cluster: region(
    "node",
    ({ listsNodes }) => (listsNodes ? CLUSTER_BLOCK_BYTES : 0),
    (arena, base) => new ClusterBlock(arena, base),
  ),
  /** Every ring of every ordered pair: ring/link-plan.ts. */
  links: region("node", ({ linkBytes }) => linkBytes, site),
  /** Descriptors, on their way and in use, and the kernel's scratch: transport/native-plan.ts. */
  native: region("socketThread", ({ nativeBytes }) => nativeBytes, site),
  counters: region(
    "thread",
    () => COUNTERS_BYTES,
    (arena, base) => new Counters(arena, base),
  ),
  /** memory/log-ring.ts: one end writes, others read. */
  logs: region("thread", logRingBytes, site),
  observations: region(
    "thread",
    () => OBSERVATION_BYTES,
    (arena, base) => new Observation(arena, base),
  ),
  connections: region(
    "thread",
    ({ connectionSlots }) => connectionTableBytes(connectionSlots),
    (arena, base, { connectionSlots }) => new ConnectionTable(arena, base, connectionSlots),
  ),
  /** memory/io-region.ts; of 0 bytes where a thread serves no sockets. */
  io: region("thread", ioBytesOf, site),
  node: region(
    "node",
    () => NODE_HEADER_BYTES,
    (arena, base) => new NodeHeader(arena, base),
  ),
  shards: region(
    "shard",
    ({ shardBytes }) => shardBytes,
    (arena, base) => new ShardMemory(arena, base),
  ),
} as const;

type Regions = typeof REGIONS;
export type RegionName = keyof Regions;
/** One of a node's regions, or one for each thread, socket thread or shard. */
type Spread<Name extends RegionName, Value> = Regions[Name]["each"] extends "node"
  ? Value
  : readonly Value[];

/** The facts, and where everything lies. Plain data: it travels to every thread. */
export type NodeLayout = NodeFacts & {
  readonly [Name in RegionName]: Spread<Name, Place>;
};

/** One thread's views over everything. */
export type NodeMemory = {
  readonly [Name in RegionName]: Spread<Name, ReturnType<Regions[Name]["view"]>>;
};

const NAMES = Object.keys(REGIONS) as RegionName[];

function ioBytesOf(facts: NodeFacts, thread: number): number {
  const isPrimary = thread === facts.threads;
  const serves = isPrimary ? facts.primaryServes : thread < facts.socketThreads;
  return serves ? facts.ioBytes : 0;
}

/** Every place of a layout with the bytes its owner may use, in order. Tests only. */
export function* regionsOf(
  layout: NodeLayout,
): Generator<{ readonly name: RegionName; readonly place: Place; readonly bytes: number }> {
  for (const name of NAMES) {
    const places = [layout[name]].flat() as Place[];
    for (const [index, place] of places.entries()) {
      yield { name, place, bytes: REGIONS[name].bytes(layout, index) };
    }
  }
}

/**
 * Lays everything out in buffers of at most `bufferBytesMax`; `bufferBytes` are those buffers' sizes.
 * Throws ConfigError when what cannot be split does not fit.
 */
export function layOut(
  facts: NodeFacts,
  bufferBytesMax: number,
): { readonly layout: NodeLayout; readonly bufferBytes: readonly number[] } {
  const shardBytes = roundUp(facts.shardBytes, PAGE_BYTES);
  const apart: Place[] = [];
  const places: Partial<Record<RegionName, Place | Place[]>> = {};
  let end = 0;
  for (const name of NAMES) {
    const { each, bytes } = REGIONS[name];
    const count = COUNTS[each](facts);
    if (name === "shards" && end + count * shardBytes > bufferBytesMax) {
      for (let shard = 0; shard < count; shard++) apart.push({ arena: shard + 1, base: 0 });
      places[name] = apart;
      continue;
    }
    const list = Array.from({ length: count }, (_, index) => {
      const place = { arena: 0, base: compact(end) };
      end = roundUp(end + bytes(facts, index), PAGE_BYTES);
      return place;
    });
    places[name] = each === "node" ? (list[0] as Place) : list;
  }
  if (end > bufferBytesMax) throw tooMuch(end, bufferBytesMax);
  const layout = { ...facts, ...places } as NodeLayout;
  return { layout, bufferBytes: [end, ...apart.map(() => shardBytes)] };
}

/** Views over formatted memory; `arenas` are one for each buffer. */
export function viewNode(layout: NodeLayout, arenas: readonly Arena[]): NodeMemory {
  const memory: Partial<Record<RegionName, unknown>> = {};
  for (const name of NAMES) {
    const { view } = REGIONS[name];
    const open = ({ arena, base }: Place) => view(arenas[arena] as Arena, base, layout);
    const place: Place | readonly Place[] = layout[name];
    memory[name] = isList(place) ? place.map(open) : open(place);
  }
  return memory as NodeMemory;
}

function isList(place: Place | readonly Place[]): place is readonly Place[] {
  return Array.isArray(place);
}

function tooMuch(bytes: number, bytesMax: number): ConfigError {
  const mib = (amount: number) => Math.ceil(amount / MIB);
  return new ConfigError(
    `buffers for so many threads and connections take ${mib(bytes)} MiB, ` +
      `and ${mib(bytesMax)} MiB is the limit: lower --threads or -c (connections)`,
    64,
  );
}

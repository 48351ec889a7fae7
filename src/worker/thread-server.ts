/**
 * Thread server: everything between a thread's transport and its rings, put together. A worker
 * under the native transport has one, and the primary under the node transport, or to serve UDP.
 */
import { listsNodes } from "../config/cluster-options.ts";
import { AdminCommands } from "../connection/admin-commands.ts";
import { Authenticator } from "../connection/authenticator.ts";
import { BulkCommands } from "../connection/bulk.ts";
import type { BusyPoll } from "../connection/busy-poll.ts";
import { Connections } from "../connection/connections.ts";
import { Intakes } from "../connection/intake.ts";
import { Output } from "../connection/output.ts";
import { PendingTable } from "../connection/pending-table.ts";
import { Performer } from "../connection/performer.ts";
import { NodeCommands } from "../connection/session-commands.ts";
import { UploadQueue } from "../connection/upload-queue.ts";
import { BlockPool } from "../memory/block-pool.ts";
import { poolBytes, RECEIVE_BYTES, SCRATCH_BYTES } from "../memory/io-region.ts";
import { SLAB_ITEM_BYTES_MAX } from "../memory/shard-plan.ts";
import type { ProtocolOptions } from "../protocol/protocol-options.ts";
import { ReplyEncoder } from "../protocol/reply-encoder.ts";
import { WireParser } from "../protocol/wire-parser.ts";
import type { WireOptions } from "../protocol/wire-state.ts";
import type { Waker } from "../ring/wake.ts";
import { Router } from "../router/router.ts";
import type { Loans } from "../router/stores.ts";
import type { Store } from "../store/store.ts";
import type { Transport } from "../transport/transport.ts";
import { Logins } from "./logins.ts";
import type { WorkerData } from "./messages.ts";
import type { ThreadMemory } from "./thread-memory.ts";

export interface ServerParts {
  readonly memory: ThreadMemory;
  readonly transport: Transport;
  readonly waker: Waker;
  /** The store of this thread's own shard; null in the primary. */
  readonly ownStore: Store | null;
  /** Sleeping workers' shards. */
  readonly loans: Loans;
  readonly busyPoll: BusyPoll;
  /** The descriptor of a slot, or the slot where there are none. */
  readonly descriptor: (slot: number) => number;
  readonly askPrimary: () => void;
  /** A login on a slot failed. */
  readonly loginFailed: (slot: number) => void;
}

export interface ThreadServer {
  readonly connections: Connections;
  readonly router: Router;
  readonly busyPoll: BusyPoll;
}

function protocolOptions(memory: ThreadMemory, inlineValueBytesMax: number): ProtocolOptions {
  const { settings } = memory.data;
  return {
    itemBytesMax: settings.itemBytesMax,
    inlineValueBytesMax,
    casEnabled: settings.casEnabled,
    flushEnabled: settings.flushEnabled,
    shutdownEnabled: settings.shutdownEnabled,
    listsNodes: listsNodes(settings),
    sasl: settings.saslEnabled,
  };
}

/** What the connections of each listener speak, and what they must do first. */
function wireOptions({ settings, listeners }: WorkerData): WireOptions[] {
  const asciiAuth = settings.authFile !== "";
  const sasl = settings.saslEnabled;
  return listeners.map(({ protocol }) => ({ protocol, asciiAuth, sasl }));
}

function createRouter({ memory, ownStore, loans, waker }: ServerParts): Router {
  const { self, layout, settings } = memory.data;
  return new Router({
    self,
    shardCount: memory.header.shardCount(),
    readers: memory.readers,
    ownStore,
    loans: settings.extended.lending ? loans : null,
    arena: memory.arena(layout.links),
    base: layout.links.base,
    plan: memory.linkPlan,
    counters: memory.counters,
    hash: memory.hash,
    waker,
  });
}

/** What answers requests that are no shard's: logins, stats, and what operators ask. */
function createSession(
  parts: ServerParts,
  own: {
    readonly router: Router;
    readonly output: Output;
    readonly performer: Performer;
    readonly intakes: Intakes;
    readonly encoder: ReplyEncoder;
  },
): NodeCommands {
  const { memory } = parts;
  const { data, control, clock, counters, readers } = memory;
  const { settings } = data;
  const { output, encoder } = own;
  const logins = new Logins(settings, control);
  if (settings.authFile !== "") logins.text();
  return new NodeCommands({
    ...own,
    control,
    view: memory.view,
    shardCount: memory.header.shardCount(),
    memoryBytes: settings.memoryBytes,
    readers,
    nodeList: () => memory.view.regions.cluster.read(),
    descriptor: parts.descriptor,
    askPrimary: parts.askPrimary,
    admin: new AdminCommands({
      output,
      control,
      clock,
      readers,
      dumpEnabled: settings.dumpEnabled,
      watchEnabled: settings.watchEnabled,
      slabReassign: settings.extended.slabReassign,
      debug: settings.extended.debug,
      openLogs: () => memory.openLogs(),
    }),
    authenticator: new Authenticator({
      output,
      encoder,
      counters,
      textLogins: () => logins.text(),
      saslLogins: () => logins.sasl(),
      failed: parts.loginFailed,
    }),
  });
}

/** Puts a thread's server together. */
export function createServer(parts: ServerParts): ThreadServer {
  const { memory, transport } = parts;
  const { data, clock, counters, observer, readers } = memory;
  const { settings, layout } = data;
  const io = layout.io[data.self] as { arena: number; base: number };
  const arena = memory.arena(io);
  const router = createRouter(parts);
  const blocks = poolBytes(layout.socketThreads, settings.extended.readBufferBytesMax);
  const pool = new BlockPool(io.base + RECEIVE_BYTES + SCRATCH_BYTES, blocks);
  const pendings = new PendingTable();
  const ioBase = io.base;
  const output = new Output({ arena, ioBase, pool, pendings, transport, counters });
  const protocol = protocolOptions(memory, router.inlineValueBytesMax);
  const encoder = new ReplyEncoder(clock);
  const performer = new Performer({
    router,
    output,
    pendings,
    counters,
    observer,
    encoder,
    events: memory.events,
    descriptor: parts.descriptor,
    copyBytesMax: SLAB_ITEM_BYTES_MAX,
  });
  const intakes = new Intakes({ router, output, pool, performer, counters, encoder });
  const uploads = new UploadQueue(memory.shards, clock);
  const bulk = new BulkCommands({
    router,
    output,
    performer,
    intakes,
    uploads,
    encoder,
    counters,
    shards: memory.shards,
  });
  const session = createSession(parts, { router, output, performer, intakes, encoder });
  performer.attach(bulk, session);
  const connections = new Connections({
    arena,
    pool,
    pendings,
    output,
    performer,
    intakes,
    uploads,
    parser: new WireParser(protocol, clock),
    listsNodes: protocol.listsNodes,
    wires: wireOptions(data),
    router,
    finders: readers.map((reader) => reader.batches),
    hash: memory.hash,
    transport,
    counters,
    clock,
    observer,
    events: memory.events,
    table: memory.connectionTable,
    descriptor: parts.descriptor,
    requestsPerEvent: settings.requestsPerEvent,
    idleSeconds: settings.idleSeconds,
    busyPoll: parts.busyPoll,
  });
  return { connections, router, busyPoll: parts.busyPoll };
}

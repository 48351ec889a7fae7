/**
 * Thread server: everything between a thread's transport and its rings, put together. A worker
 * under the native transport has one, and the primary under the node transport, or to serve UDP.
 */
import { listsNodes } from "../config/cluster-options.ts";
import { AdminCommands } from "../connection/admin-commands.ts";
import { Authenticator } from "../connection/authenticator.ts";
import { BatchReader } from "../connection/batch-reader.ts";
import { BlockBudget } from "../connection/block-budget.ts";
import { Broadcast } from "../connection/broadcast.ts";
import type { BusyPoll } from "../connection/busy-poll.ts";
import type { Connection } from "../connection/connection.ts";
import { Connections } from "../connection/connections.ts";
import { Executor } from "../connection/executor.ts";
import { Input } from "../connection/input.ts";
import { NodeCommands } from "../connection/node-commands.ts";
import { Fetch } from "../connection/operation/fetch.ts";
import { FetchEnd } from "../connection/operation/fetch-end.ts";
import { Lease } from "../connection/operation/lease.ts";
import { Read } from "../connection/operation/read.ts";
import { SendLarge } from "../connection/operation/send-large.ts";
import { SendSource } from "../connection/operation/send-source.ts";
import type { StageTools } from "../connection/operation/stage.ts";
import { Swallow } from "../connection/operation/swallow.ts";
import { UploadBegin } from "../connection/operation/upload-begin.ts";
import { UploadBody } from "../connection/operation/upload-body.ts";
import { UploadEnd } from "../connection/operation/upload-end.ts";
import { Write } from "../connection/operation/write.ts";
import { Output } from "../connection/output.ts";
import { PendingList } from "../connection/pending-list.ts";
import { PendingTable } from "../connection/pending-table.ts";
import { Replies } from "../connection/replies.ts";
import { UploadQueue } from "../connection/upload-queue.ts";
import { WaitPool } from "../connection/wait.ts";
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
  /** Gives arena bytes [offset, offset + bytes) of the I/O region back to the system. */
  readonly giveBack: (offset: number, bytes: number) => void;
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

/** What every operation works with, and two that several hand over to. */
interface Bench extends StageTools {
  readonly router: Router;
  readonly send: SendSource;
  readonly swallow: Swallow;
}

/** What answers requests that are no shard's: logins, stats, and what operators ask. */
function createNodeCommands(parts: ServerParts, bench: Bench): NodeCommands {
  const { memory } = parts;
  const { data, control, clock, counters, readers } = memory;
  const { settings } = data;
  const { output } = bench;
  const logins = new Logins(settings, control);
  if (settings.authFile !== "") logins.text();
  return new NodeCommands({
    ...bench,
    broadcast: new Broadcast(bench.router, bench.pendings, output),
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
      replies: bench.replies,
      counters,
      textLogins: () => logins.text(),
      saslLogins: () => logins.sasl(),
      failed: parts.loginFailed,
    }),
  });
}

/** The operations, each after those it hands over to. */
function createExecutor(parts: ServerParts, bench: Bench, uploads: UploadQueue): Executor {
  const copyBytesMax = SLAB_ITEM_BYTES_MAX;
  const large = new SendLarge(bench, bench.send, parts.memory.shards);
  const end = new FetchEnd(bench, large, copyBytesMax);
  const lease = new Lease(bench, large, end);
  const body = new UploadBody(bench, new UploadEnd(bench));
  return new Executor({
    router: bench.router,
    read: new Read(bench, lease),
    write: new Write(bench),
    fetch: new Fetch(bench, lease, end, copyBytesMax),
    upload: new UploadBegin(bench, uploads, body, bench.swallow),
    node: createNodeCommands(parts, bench),
  });
}

/** Puts a thread's server together. */
export function createServer(parts: ServerParts): ThreadServer {
  const { memory, transport, descriptor, busyPoll } = parts;
  const { data, clock, counters, observer, events, verbose } = memory;
  const { settings, layout } = data;
  const io = layout.io[data.self] as { arena: number; base: number };
  const arena = memory.arena(io);
  const router = createRouter(parts);
  const blocks = poolBytes(layout.socketThreads, settings.extended.readBufferBytesMax);
  const pool = new BlockPool(io.base + RECEIVE_BYTES + SCRATCH_BYTES, blocks);
  const pendings = new PendingTable();
  const budget = new BlockBudget<Connection>(pool, counters, parts.giveBack);
  const output = new Output({ arena, ioBase: io.base, budget, pendings, transport, counters });
  const encoder = new ReplyEncoder(clock);
  const input = new Input(arena, budget);
  const waits = new WaitPool(arena.bytes);
  const pendingList = new PendingList(pendings, waits, output, encoder, events);
  const lookers = { counters, observer, events, verbose, descriptor };
  const replies = new Replies(encoder, output, pendings, lookers);
  const uploads = new UploadQueue(memory.shards, clock);
  const own = { router, waits, input, output, replies };
  const tools = { ...own, pendings: pendingList };
  const [send, swallow] = [new SendSource(tools), new Swallow(tools)];
  const executor = createExecutor(parts, { ...tools, send, swallow }, uploads);
  const protocol = protocolOptions(memory, router.inlineValueBytesMax);
  const finders = memory.readers.map((reader) => reader.batches);
  const batches = new BatchReader(
    {
      ...{ router, finders, output, counters, observer, events },
      hash: memory.hash,
      listsNodes: protocol.listsNodes,
    },
    arena.bytes,
  );
  const connections = new Connections({
    ...own,
    ...lookers,
    uploads,
    budget,
    transport,
    wires: wireOptions(data),
    parser: new WireParser(protocol, clock),
    batches,
    executor,
    pendings,
    pendingList,
    clock,
    busyPoll,
    table: memory.connectionTable,
    requestsPerEvent: settings.requestsPerEvent,
    idleSeconds: settings.idleSeconds,
  });
  return { connections, router, busyPoll };
}

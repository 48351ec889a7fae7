/**
 * What a thread's connections are put together from: its memory, its protocol, its way to the
 * shards.
 */
import type { Clock } from "../base/clock.ts";
import type { KeyHash } from "../base/key-hash.ts";
import type { Arena } from "../memory/arena.ts";
import type { BlockPool } from "../memory/block-pool.ts";
import type { ConnectionTable } from "../memory/connection-table.ts";
import type { Counters } from "../memory/counters.ts";
import type { Parser } from "../protocol/protocol.ts";
import type { WireOptions } from "../protocol/wire-state.ts";
import type { Router } from "../router/router.ts";
import type { Observer } from "../stats/observer.ts";
import type { BatchFinder } from "../store/batch-finder.ts";
import type { Transport } from "../transport/transport.ts";
import type { BusyPoll } from "./busy-poll.ts";
import type { EventLog } from "./event-log.ts";
import type { Intakes } from "./intake.ts";
import type { Output } from "./output.ts";
import type { PendingTable } from "./pending-table.ts";
import type { Performer } from "./performer.ts";
import type { UploadQueue } from "./upload-queue.ts";

export interface ConnectionsParts {
  readonly arena: Arena;
  readonly pool: BlockPool;
  readonly pendings: PendingTable;
  readonly output: Output;
  readonly performer: Performer;
  readonly intakes: Intakes;
  readonly uploads: UploadQueue;
  readonly parser: Parser;
  /** There is a cluster: its list of nodes can be asked for. */
  readonly listsNodes: boolean;
  /** By listener. */
  readonly wires: readonly WireOptions[];
  readonly router: Router;
  readonly hash: KeyHash;
  /** By shard: what finds the items of a batch of gets. */
  readonly finders: readonly BatchFinder[];
  readonly transport: Transport;
  readonly counters: Counters;
  readonly clock: Clock;
  /** -R. */
  readonly requestsPerEvent: number;
  /** -o idle_timeout; 0 is off. */
  readonly idleSeconds: number;
  readonly observer: Observer;
  readonly events: EventLog;
  /** Where `stats conns` and the dashboard see the connections. */
  readonly table: ConnectionTable;
  readonly descriptor: (slot: number) => number;
  readonly busyPoll: BusyPoll;
}

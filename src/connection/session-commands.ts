/**
 * Session commands: what concerns the connection or the whole node, not one key. They are rare, so
 * they may allocate.
 *
 *   answered here        version verbosity quit mn, and everything the parser found wrong
 *   from shared memory   stats (src/stats renders them for any thread), the list of nodes
 *   every shard          flush_all, cache_memlimit: broadcast, and waited for
 *   the primary          shutdown: a bit in the control block
 *   admin-commands.ts    slabs lru lru_crawler watch
 *   authenticator.ts     logins
 */
import { MIB } from "../base/unit.ts";
import { Op, ShutdownMode } from "../command/op.ts";
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import { type Control, ControlAsk } from "../memory/control.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { rulesOf, statsEncoderOf } from "../protocol/protocols.ts";
import type { Router } from "../router/router.ts";
import type { NodeView } from "../stats/node-view.ts";
import { binaryStatsWords, renderStats, statsWord } from "../stats/render.ts";
import type { StoreReader } from "../store/store-reader.ts";
import type { AdminCommands } from "./admin-commands.ts";
import { BytesSource } from "./bytes-source.ts";
import { Awaited, type Connection, Verdict } from "./connection.ts";
import type { Intakes } from "./intake.ts";
import type { Output } from "./output.ts";
import { NO_PENDING } from "./pending-table.ts";
import type { Performer } from "./performer.ts";
import type { SessionExtension } from "./session-extension.ts";
import { SizesSource } from "./sizes-source.ts";
import { StatsSource } from "./stats-source.ts";

export interface SessionParts {
  readonly performer: Performer;
  readonly intakes: Intakes;
  readonly output: Output;
  readonly encoder: Encoder;
  readonly router: Router;
  readonly control: Control;
  readonly view: NodeView;
  readonly shardCount: number;
  /** -m: what cache_memlimit may give back, and take again. */
  readonly memoryBytes: number;
  /** By shard. */
  readonly readers: readonly StoreReader[];
  /** The list of the cluster's nodes; null while it is not known. */
  readonly nodeList: () => Uint8Array | null;
  /** The connection's descriptor, or slot, for `stats conns`. */
  readonly descriptor: (slot: number) => number;
  /** Has the primary look at what was asked for in the control block. */
  readonly askPrimary: () => void;
  readonly admin: AdminCommands;
  readonly authenticator: SessionExtension;
}

export class NodeCommands implements SessionExtension {
  readonly #parts: SessionParts;
  readonly #output: Output;
  readonly #encoder: Encoder;
  readonly #reply: Reply;
  readonly #broadcast: Request;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#output = parts.output;
    this.#encoder = parts.encoder;
    this.#reply = new Reply(parts.output.bytes);
    this.#broadcast = new Request(parts.output.bytes);
  }

  perform(connection: Connection, request: Request): Verdict {
    const { control } = this.#parts;
    // What is answered behind quiet commands says that they are done, to other clients too.
    if (connection.unsettled > 0 && request.op !== Op.error) return Verdict.busy;
    if (!this.#output.reserve(connection, this.#encoder.bound(request))) return Verdict.blocked;
    switch (request.op) {
      case Op.error:
        return this.#fail(connection, request);
      case Op.verbosity:
        control.setVerbosity(request.level);
        return this.#answer(request);
      case Op.stats:
        return this.#stats(connection, request);
      case Op.flushAll:
        return this.#flushAll(connection, request);
      case Op.cacheMemlimit:
        return this.#cacheMemlimit(connection, request);
      case Op.shutdown:
        control.ask(
          request.level === ShutdownMode.graceful
            ? ControlAsk.shutdownGraceful
            : ControlAsk.shutdown,
        );
        this.#parts.askPrimary();
        return this.#answer(request);
      case Op.nodeList:
        return this.#nodeList(connection, request);
      case Op.admin:
        return this.#parts.admin.perform(connection, request);
      case Op.authenticate:
        return this.#parts.authenticator.perform(connection, request);
      default:
        return this.#answer(request);
    }
  }

  #answer(request: Request): Verdict {
    this.#reply.status = Status.ok;
    this.#parts.performer.answer(request, this.#reply);
    return Verdict.done;
  }

  #fail(connection: Connection, request: Request): Verdict {
    this.#parts.performer.refused(connection.slot, request);
    if (request.swallowBytes > 0) {
      const begun = this.#parts.intakes.swallow(
        connection,
        request,
        request.swallowBytes,
        request.error,
      );
      if (!begun) connection.dead = true;
      return Verdict.done;
    }
    const output = this.#output;
    output.at = this.#encoder.encodeError(request, request.error, output.bytes, output.at);
    return Verdict.done;
  }

  #flushAll(connection: Connection, request: Request): Verdict {
    const broadcast = this.#broadcast;
    broadcast.op = Op.flush;
    broadcast.exptime = request.exptime;
    const verdict = this.#toAllShards(connection, request);
    return verdict === Verdict.done ? this.#answer(request) : verdict;
  }

  #cacheMemlimit(connection: Connection, request: Request): Verdict {
    const { control, shardCount, memoryBytes } = this.#parts;
    if (request.level * MIB > memoryBytes) return this.#failMemlimit(connection, request);
    const broadcast = this.#broadcast;
    broadcast.op = Op.resize;
    broadcast.valueBytes = Math.floor((request.level * MIB) / shardCount);
    const verdict = this.#toAllShards(connection, request);
    if (verdict !== Verdict.done) return verdict;
    if (this.#reply.status !== Status.ok) return this.#failMemlimit(connection, request);
    control.setMemlimitMib(request.level);
    control.ask(ControlAsk.memlimit);
    this.#parts.askPrimary();
    return this.#answer(request);
  }

  /** More than -m was never set aside, and cannot be had later. */
  #failMemlimit(connection: Connection, request: Request): Verdict {
    request.op = Op.error;
    request.error = WireError.memlimitFailed;
    return this.#fail(connection, request);
  }

  /**
   * Sends `#broadcast` everywhere; done when all have answered, and `#reply` is one of the answers.
   */
  #toAllShards(connection: Connection, request: Request): Verdict {
    const { performer, router } = this.#parts;
    const broadcast = this.#broadcast;
    broadcast.keyStart = 0;
    broadcast.keyEnd = 0;
    broadcast.valueStart = 0;
    broadcast.valueEnd = 0;
    broadcast.marks = 0;
    const answered = performer.takeReply(connection, Awaited.broadcast);
    if (answered !== null) {
      this.#reply.copy(answered);
      return Verdict.done;
    }
    const token = performer.waitToken(connection, request.dialect);
    if (token === NO_PENDING) return Verdict.full;
    const outcome = router.broadcast(broadcast, this.#reply, connection.order, token);
    return performer.waitVerdict(connection, outcome, token, Awaited.broadcast);
  }

  #nodeList(connection: Connection, request: Request): Verdict {
    const list = this.#parts.nodeList();
    if (list === null) {
      request.refuse(WireError.listUnknown);
      return this.#fail(connection, request);
    }
    connection.source = new BytesSource(statsEncoderOf(request).nodeListOf(request, list));
    return Verdict.done;
  }

  #stats(connection: Connection, request: Request): Verdict {
    const asked = Buffer.from(request.keyBytes.subarray(request.keyStart, request.keyEnd));
    const words = asked
      .toString("latin1")
      .split(" ")
      .filter((word) => word !== "");
    const [word, argument] = rulesOf(request).statsKeyIsName
      ? binaryStatsWords(asked.toString("latin1"))
      : [statsWord(words[0] ?? ""), words[1] ?? ""];
    if (word === "cachedump") {
      const wrong = this.#parts.admin.cachedump(connection, words.slice(1));
      const output = this.#output;
      if (wrong !== null) {
        output.at = statsEncoderOf(request).encodeWords(request, wrong, output.bytes, output.at);
      }
      return Verdict.done;
    }
    const source = new StatsSource(request, this.#output.bytes);
    if (word === "sizes" && this.#parts.view.settings.extended.trackSizes) {
      connection.source = new SizesSource(this.#parts.readers, source);
      return Verdict.done;
    }
    const outcome = renderStats(
      this.#parts.view,
      word,
      argument,
      this.#parts.descriptor(connection.slot),
      (name, value) => source.add(name, String(value)),
    );
    source.end(outcome);
    connection.source = source;
    return Verdict.done;
  }
}

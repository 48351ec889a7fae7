/**
 * Node commands: what concerns the connection or the whole node, not one key. They are rare, so
 * they may allocate.
 *
 *   answered here        version verbosity quit mn, and everything the parser found wrong
 *   from shared memory   stats (src/stats renders them for any thread), the list of nodes
 *   every shard          flush_all, cache_memlimit (broadcast.ts)
 *   the primary          shutdown: a bit in the control block
 *   admin-commands.ts    slabs lru lru_crawler watch
 *   authenticator.ts     logins
 */
import { MIB } from "../base/unit.ts";
import { Op, ShutdownMode } from "../command/op.ts";
import { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import { type Control, ControlAsk } from "../memory/control.ts";
import { rulesOf, statsEncoderOf } from "../protocol/protocols.ts";
import type { NodeView } from "../stats/node-view.ts";
import { binaryStatsWords, renderStats, statsWord } from "../stats/render.ts";
import type { StoreReader } from "../store/store-reader.ts";
import type { AdminCommands } from "./admin-commands.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Broadcast } from "./broadcast.ts";
import { BytesSource } from "./bytes-source.ts";
import type { Connection } from "./connection.ts";
import type { SendSource } from "./operation/send-source.ts";
import type { Swallow } from "./operation/swallow.ts";
import type { Output } from "./output.ts";
import type { Replies } from "./replies.ts";
import { SizesSource } from "./sizes-source.ts";
import type { Source } from "./source.ts";
import { StatsSource } from "./stats-source.ts";
import { Step } from "./step.ts";
import type { Operation } from "./wait.ts";

export interface NodeCommandParts {
  readonly output: Output;
  readonly replies: Replies;
  readonly swallow: Swallow;
  readonly send: SendSource;
  readonly broadcast: Broadcast;
  readonly admin: AdminCommands;
  readonly authenticator: Authenticator;
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
}

export class NodeCommands implements Operation {
  readonly #parts: NodeCommandParts;
  readonly #output: Output;
  readonly #replies: Replies;
  readonly #reply: Reply;

  constructor(parts: NodeCommandParts) {
    this.#parts = parts;
    this.#output = parts.output;
    this.#replies = parts.replies;
    this.#reply = new Reply(parts.output.bytes);
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    // What is answered behind quiet commands says that they are done, to other clients too.
    if (connection.unsettled > 0 && request.op !== Op.error) return Step.behind;
    const room = this.#replies.encoder.bound(request);
    if (!this.#output.reserve(connection, room)) return Step.noRoom;
    switch (request.op) {
      case Op.error:
        return this.#fail(connection, request);
      case Op.verbosity:
        return this.#verbosity(request);
      case Op.stats:
        return this.#stats(connection, request);
      case Op.flushAll:
        return this.#flushAll(connection, request, answer);
      case Op.cacheMemlimit:
        return this.#cacheMemlimit(connection, request, answer);
      case Op.shutdown:
        this.#ask(
          request.level === ShutdownMode.graceful
            ? ControlAsk.shutdownGraceful
            : ControlAsk.shutdown,
        );
        return this.#answer(request);
      case Op.nodeList:
        return this.#nodeList(connection, request);
      case Op.admin:
        return this.#say(connection, request, this.#parts.admin.perform(connection, request));
      case Op.authenticate:
        this.#parts.authenticator.judge(connection, request);
        return Step.done;
      default:
        return this.#answer(request);
    }
  }

  #answer(request: Request): Step {
    this.#reply.status = Status.ok;
    this.#replies.write(request, this.#reply);
    return Step.done;
  }

  /** Threads see it by themselves; the primary, which writes the log, is told. */
  #verbosity(request: Request): Step {
    const { control, askPrimary } = this.#parts;
    if (control.verbosity() !== request.level) {
      control.setVerbosity(request.level);
      askPrimary();
    }
    return this.#answer(request);
  }

  #ask(what: number): void {
    this.#parts.control.ask(what);
    this.#parts.askPrimary();
  }

  /** Answers with a line, or with all that a source has. */
  #say(connection: Connection, request: Request, reply: string | Source): Step {
    if (typeof reply !== "string") return this.#parts.send.begin(connection, reply);
    const output = this.#output;
    const encoder = statsEncoderOf(request);
    this.#replies.said(request, encoder.encodeWords(request, reply, output.bytes, output.at));
    return Step.done;
  }

  #fail(connection: Connection, request: Request): Step {
    this.#replies.refused(connection.slot, request);
    if (request.swallowBytes > 0) {
      return this.#parts.swallow.begin(connection, request.swallowBytes, request.error);
    }
    this.#replies.writeError(request, request.error);
    return Step.done;
  }

  #flushAll(connection: Connection, request: Request, answer: Reply | null): Step {
    if (answer === null) {
      const { broadcast } = this.#parts;
      broadcast.begin(Op.flush).exptime = request.exptime;
      const step = broadcast.send(connection, request, this);
      if (step !== Step.done) return step;
    }
    return this.#answer(request);
  }

  #cacheMemlimit(connection: Connection, request: Request, answer: Reply | null): Step {
    const { broadcast, control, shardCount, memoryBytes } = this.#parts;
    if (request.level * MIB > memoryBytes) return this.#failMemlimit(connection, request);
    let reply = answer;
    if (reply === null) {
      broadcast.begin(Op.resize).valueBytes = Math.floor((request.level * MIB) / shardCount);
      const step = broadcast.send(connection, request, this);
      if (step !== Step.done) return step;
      reply = broadcast.reply;
    }
    if (reply.status !== Status.ok) return this.#failMemlimit(connection, request);
    control.setMemlimitMib(request.level);
    this.#ask(ControlAsk.memlimit);
    return this.#answer(request);
  }

  /** More than -m was never set aside, and cannot be had later. */
  #failMemlimit(connection: Connection, request: Request): Step {
    request.op = Op.error;
    request.error = WireError.memlimitFailed;
    return this.#fail(connection, request);
  }

  #nodeList(connection: Connection, request: Request): Step {
    const list = this.#parts.nodeList();
    if (list === null) {
      request.refuse(WireError.listUnknown);
      return this.#fail(connection, request);
    }
    const bytes = statsEncoderOf(request).nodeListOf(request, list);
    return this.#parts.send.begin(connection, new BytesSource(bytes));
  }

  #stats(connection: Connection, request: Request): Step {
    const asked = Buffer.from(request.keyBytes.subarray(request.keyStart, request.keyEnd));
    const words = asked
      .toString("latin1")
      .split(" ")
      .filter((word) => word !== "");
    const [word, argument] = rulesOf(request).statsKeyIsName
      ? binaryStatsWords(asked.toString("latin1"))
      : [statsWord(words[0] ?? ""), words[1] ?? ""];
    if (word === "cachedump") {
      return this.#say(connection, request, this.#parts.admin.cachedump(words.slice(1)));
    }
    const source = new StatsSource(request, this.#output.bytes);
    if (word === "sizes" && this.#parts.view.settings.extended.trackSizes) {
      return this.#parts.send.begin(connection, new SizesSource(this.#parts.readers, source));
    }
    const outcome = renderStats(
      this.#parts.view,
      word,
      argument,
      this.#parts.descriptor(connection.slot),
      (name, value) => source.add(name, String(value)),
    );
    source.end(outcome);
    return this.#parts.send.begin(connection, source);
  }
}

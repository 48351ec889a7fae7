/**
 * Send large: answers with a value on which there is a lease: its head now, the value piece by
 * piece, then what the protocol wants behind it.
 */
import type { Reply } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import type { ShardMemory } from "../../memory/shard-memory.ts";
import { LeasedValue } from "../../store/leased-value.ts";
import type { Connection } from "../connection.ts";
import { LargeValueSource } from "../large-value-source.ts";
import type { Step } from "../step.ts";
import type { SendSource } from "./send-source.ts";
import { Stage, type StageTools } from "./stage.ts";

export class SendLarge extends Stage {
  readonly #send: SendSource;
  /** By shard. */
  readonly #shards: readonly ShardMemory[];

  constructor(tools: StageTools, send: SendSource, shards: readonly ShardMemory[]) {
    super(tools);
    this.#send = send;
    this.#shards = shards;
  }

  /** `leased.handle` is the lease's ticket; room for the head was reserved. */
  begin(connection: Connection, request: Request, leased: Reply): Step {
    const { encoder } = this.replies;
    const output = this.output;
    const router = this.router;
    this.replies.count(request, leased);
    this.replies.look(connection.slot, request, leased, false, leased.valueBytes);
    output.at = encoder.encodeHead(request, leased, output.bytes, output.at);
    const ticket = leased.handle;
    const shard = this.#shards[router.ticketShard(ticket)] as ShardMemory;
    const value = new LeasedValue(shard, router.ticketHandle(ticket), leased.valueBytes);
    const tail = new Uint8Array(encoder.bound(request));
    const tailBytes = encoder.encodeTail(request, tail, 0);
    const source = new LargeValueSource(router, ticket, value, tail.subarray(0, tailBytes));
    return this.#send.begin(connection, source);
  }
}

/**
 * Send large: answers with a value on which there is a lease: its head now, the value piece by
 * piece, then what the protocol wants behind it.
 */
import type { Reply } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import type { ShardMemory } from "../../memory/shard-memory.ts";
import type { Router } from "../../router/router.ts";
import { LeasedValue } from "../../store/leased-value.ts";
import type { Connection } from "../connection.ts";
import { LargeValueSource } from "../large-value-source.ts";
import type { Output } from "../output.ts";
import type { Replies } from "../replies.ts";
import type { Step } from "../step.ts";
import type { SendSource } from "./send-source.ts";

export class SendLarge {
  readonly #router: Pick<Router, "ticketShard" | "ticketHandle" | "letGo">;
  readonly #output: Output;
  readonly #replies: Replies;
  readonly #send: SendSource;
  /** By shard. */
  readonly #shards: readonly ShardMemory[];

  constructor(
    router: Pick<Router, "ticketShard" | "ticketHandle" | "letGo">,
    output: Output,
    replies: Replies,
    send: SendSource,
    shards: readonly ShardMemory[],
  ) {
    this.#router = router;
    this.#output = output;
    this.#replies = replies;
    this.#send = send;
    this.#shards = shards;
  }

  /** `leased.handle` is the lease's ticket; room for the head was reserved. */
  begin(connection: Connection, request: Request, leased: Reply): Step {
    const { encoder } = this.#replies;
    const output = this.#output;
    const router = this.#router;
    this.#replies.count(request, leased);
    this.#replies.look(connection.slot, request, leased, false, leased.valueBytes);
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

/**
 * Stage: what every operation on a connection works with: its thread's router, memory and output.
 * One instance serves all connections of the thread, so nothing of a connection is kept here.
 */
import { Reply } from "../../command/reply.ts";
import type { Router } from "../../router/router.ts";
import type { Input } from "../input.ts";
import type { Output } from "../output.ts";
import type { PendingList } from "../pending-list.ts";
import type { Replies } from "../replies.ts";
import type { WaitPool } from "../wait.ts";

export interface StageTools {
  readonly router: Omit<Router, "poll" | "publish" | "isReady" | "close" | "inlineValueBytesMax">;
  readonly waits: WaitPool;
  readonly pendings: PendingList;
  readonly input: Input;
  readonly output: Output;
  readonly replies: Replies;
}

export abstract class Stage {
  protected readonly router: StageTools["router"];
  protected readonly waits: WaitPool;
  protected readonly pendings: PendingList;
  protected readonly input: Input;
  protected readonly output: Output;
  protected readonly replies: Replies;
  /** What is answered at once. */
  protected readonly reply: Reply;

  constructor(tools: StageTools) {
    this.router = tools.router;
    this.waits = tools.waits;
    this.pendings = tools.pendings;
    this.input = tools.input;
    this.output = tools.output;
    this.replies = tools.replies;
    this.reply = new Reply(tools.output.bytes);
  }
}

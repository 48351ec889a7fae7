/**
 * A generator thread as a piscina task: it lives as long as the run, and does what its port tells
 * it, one order after another. Between orders it waits in the event loop; during one it does not
 * come back to it.
 */
import type { MessagePort } from "node:worker_threads";
import { Board } from "./board.ts";
import { Generator } from "./generator.ts";
import { pin, type Target } from "./libc.ts";
import type { Share, Window } from "./window.ts";
import type { Workload } from "./workload.ts";

/** What the task is started with. */
export interface ThreadTask {
  port: MessagePort;
  share: Share;
  /** Processors to run on; none: wherever the system likes. */
  cores: readonly number[];
}

export type Order =
  | { do: "open"; session: number; target: Target; workload: Workload; board: SharedArrayBuffer }
  | { do: "preload"; session: number }
  | { do: "window"; session: number; window: Window }
  | { do: "close"; session: number }
  | { do: "quit" };

/** Each order but "quit" is answered, in order: null when it is done, else what went wrong. */
export type Answer = string | null;

/**
 * Serves orders until "quit". Sessions are the generators of this thread, one for each target and
 * workload.
 */
export async function serveOrders({ port, share, cores }: ThreadTask): Promise<void> {
  if (cores.length > 0) pin(0, cores);
  const sessions = new Map<number, Generator>();
  const obey = (order: Exclude<Order, { do: "quit" }>): void => {
    if (order.do === "open") {
      const board = new Board(order.board);
      sessions.set(order.session, new Generator(order.target, order.workload, share, board));
      return;
    }
    const generator = sessions.get(order.session);
    if (generator === undefined) throw new Error(`no session ${order.session}`);
    if (order.do === "preload") generator.preload();
    if (order.do === "window") generator.window(order.window);
    if (order.do === "close") {
      generator.close();
      sessions.delete(order.session);
    }
  };
  await new Promise<void>((resolve) => {
    port.on("message", (order: Order) => {
      if (order.do === "quit") {
        resolve();
        return;
      }
      let answer: Answer = null;
      try {
        obey(order);
      } catch (error) {
        answer = error instanceof Error ? error.message : String(error);
      }
      port.postMessage(answer);
    });
  });
  for (const generator of sessions.values()) generator.close();
  port.close();
}

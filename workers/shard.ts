/**
 * Thread entry: one worker, one shard. The primary's supervisor runs it in a Piscina pool
 * (src/primary/supervisor.ts).
 */
import { parentPort } from "node:worker_threads";
import type { WorkerData, WorkerMessage } from "../src/config/worker-data.ts";
import { runWorker } from "../src/worker/worker.ts";

export default async function shard(data: WorkerData): Promise<void> {
  const post = (message: WorkerMessage) => parentPort?.postMessage(message);
  try {
    runWorker(data, post);
  } catch (error) {
    // The thread must die with the task: a fresh one takes the shard over, and this one's state is
    // not to be trusted.
    setImmediate(() => {
      throw error;
    });
    await new Promise(() => {});
  }
}

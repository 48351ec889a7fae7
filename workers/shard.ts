/**
 * Thread entry: one worker, one shard. The primary's supervisor starts it
 * (src/primary/supervisor.ts), and hands it its task as soon as it says that it is up.
 *
 * An error ends the thread: a fresh one takes the shard over, and this one's state is not to be
 * trusted.
 */
import { type MessagePort, parentPort } from "node:worker_threads";
import { libcAvailable } from "../src/libc/libc.ts";
import type { WorkerData, WorkerMessage } from "../src/worker/messages.ts";
import { runWorker } from "../src/worker/worker.ts";

const primary = parentPort as MessagePort;
const post = (message: WorkerMessage) => primary.postMessage(message);

libcAvailable(); // loads it, while -u has not yet given up what it takes
primary.once("message", (data: WorkerData) => runWorker(data, post));
post({ kind: "booted" });

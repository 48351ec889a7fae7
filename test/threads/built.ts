/**
 * Threads run compiled code: workers are started from dist, which `npm test` builds before the
 * tests.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const ROOT = new URL("../../", import.meta.url);

/** The compiled form of a file of this repository, given by its path from the root. */
export function built(path: string): string {
  const file = fileURLToPath(new URL(`dist/${path.replace(/\.ts$/, ".js")}`, ROOT));
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build`);
  return file;
}

/** Runs a compiled worker to its end: what it posted last. A thread that fails, fails the test. */
export function runWorker<Result>(path: string, workerData: unknown): Promise<Result> {
  const worker = new Worker(built(path), { workerData });
  return new Promise((resolve, reject) => {
    let result: Result;
    worker.on("message", (message: Result) => {
      result = message;
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve(result));
  });
}

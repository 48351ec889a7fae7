/**
 * A worker that does what its settings' pidFile says, letter by letter, one for each incarnation: r = ready, then wait until
 * the node stops; d = ready, then die; e = ready, then end; n = die before it is ready; x = leave the thread at once.
 */
import { parentPort } from "node:worker_threads";

const STATE_WORD = 1;
const DRAINING = 2;

export default async function worker(data) {
  const script = data.settings.pidFile;
  const act = script[Math.min(data.incarnation, script.length - 1)];
  if (act === "n") throw new Error("no memory for me");
  if (act === "x") process.exit(3);
  const itemsDropped = data.incarnation;
  parentPort.postMessage({ kind: "ready", self: data.self, itemsDropped });
  if (act === "e") return;
  if (act === "d") {
    setImmediate(() => {
      throw new Error("planted fault");
    });
    await new Promise(() => {});
  }
  const words = new Int32Array(data.buffers[0]);
  while (Atomics.load(words, STATE_WORD) < DRAINING) Atomics.wait(words, STATE_WORD, 0, 5);
}

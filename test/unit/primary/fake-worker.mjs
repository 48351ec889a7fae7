/**
 * A worker that does what its settings' pidFile says, letter by letter, one for each incarnation: r
 * = ready, then wait until the node stops; d = ready, then die once the node has started; e =
 * ready, then end once it has; n = die before it is ready; x = leave the thread at once.
 */
import { parentPort } from "node:worker_threads";

const STATE_WORD = 1;
const DRAINING = 2;
/** 1 as soon as `start` has resolved. */
const STARTED_WORD = 2;

parentPort.once("message", (data) => {
  const script = data.settings.pidFile;
  const act = script[Math.min(data.incarnation, script.length - 1)];
  if (act === "n") throw new Error("no memory for me");
  if (act === "x") process.exit(3);
  const itemsDropped = data.incarnation;
  parentPort.postMessage({ kind: "ready", self: data.self, itemsDropped });
  const words = new Int32Array(data.buffers[0]);
  if (act === "e" || act === "d") Atomics.wait(words, STARTED_WORD, 0);
  if (act === "e") return;
  if (act === "d") throw new Error("planted fault");
  while (Atomics.load(words, STATE_WORD) < DRAINING) Atomics.wait(words, STATE_WORD, 0, 5);
});
parentPort.postMessage({ kind: "booted" });

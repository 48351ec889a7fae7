/**
 * Planted fault: with -o debug, a worker can be told to die in the middle of a change, so that
 * tests see what its successor makes of it. The write it dies in has begun: the bucket's version is
 * odd, nothing of the change is in place.
 *
 * The sequence lock is wrapped for this thread only, and only with -o debug: otherwise it costs
 * nothing.
 */
import type { Control } from "../memory/control.ts";
import { SequenceLock } from "../memory/sequence-lock.ts";

export function watchForFault(control: Control, self: number): void {
  const { beginWrite } = SequenceLock.prototype;
  SequenceLock.prototype.beginWrite = function faultyBeginWrite(word: number): void {
    beginWrite.call(this, word);
    if (control.takeFault(self)) throw new Error("planted fault: dying in the middle of a write");
  };
}

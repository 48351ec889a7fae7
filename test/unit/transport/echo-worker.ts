/**
 * A worker thread that echoes over the native transport, for tests of threads: adoption, bells,
 * death and succession.
 *
 *   control words (`words`):  0 echoes · 1 stop · 2 die · 3 leftovers closed + 1 · 4 pings heard · 5 pings sent
 */
import { workerData } from "node:worker_threads";
import { Libc } from "../../../src/libc/libc.ts";
import { Control } from "../../../src/memory/control.ts";
import { Sleeper } from "../../../src/ring/wake.ts";
import { closeLeftovers } from "../../../src/transport/leftovers.ts";
import { NativeParts, planNative } from "../../../src/transport/native-plan.ts";
import { createNativeTransport } from "../../../src/transport/native-transport.ts";
import { type EchoTask, EchoWord } from "./echo-task.ts";
import { EchoHandler } from "./harness.ts";

class DyingEcho extends EchoHandler {
  override received(slot: number, bytes: Uint8Array, start: number, end: number): void {
    super.received(slot, bytes, start, end);
    this.arena.words[wordsAt + EchoWord.echoes] =
      (this.arena.words[wordsAt + EchoWord.echoes] as number) + 1;
  }
}

const task = workerData as EchoTask;
const wordsAt = task.wordsBase >>> 2;
const libc = Libc.load();
const arena = libc.arena(task.buffer);
const control = new Control(arena, task.controlBase);
const parts = new NativeParts(arena, 0, planNative(task.slotCount));
Atomics.store(arena.ints, wordsAt + EchoWord.leftovers, 1 + closeLeftovers(libc, parts, control));

const transport = createNativeTransport(task.kind, {
  libc,
  parts,
  control,
  bellFd: task.bellFd,
  input: { arena, offset: task.inputBase, bytes: task.inputBytes },
});
const handler = new DyingEcho(arena, task.keptBase);
handler.transport = transport;
const sleeper = new Sleeper(arena.ints, control, 0);

const loop = {
  turn(): number {
    if (this.work()) return 0;
    sleeper.prepare();
    if (!this.work()) return -1;
    sleeper.cancel();
    return 0;
  },
  awake: () => sleeper.cancel(),
  /** Everything other threads can ask. True when there was something. */
  work(): boolean {
    const { ints } = arena;
    if (Atomics.load(ints, wordsAt + EchoWord.die) === 1) throw new Error("as the test wished");
    if (Atomics.load(ints, wordsAt + EchoWord.stop) === 1) transport.stop();
    let worked = false;
    const { mailbox } = parts;
    for (let fd = mailbox.first(); fd !== -1; fd = mailbox.first()) {
      transport.adopt(fd, mailbox.firstListener());
      mailbox.take();
      worked = true;
    }
    const sent = Atomics.load(ints, wordsAt + EchoWord.sent);
    if (sent !== ints[wordsAt + EchoWord.heard]) {
      Atomics.store(ints, wordsAt + EchoWord.heard, sent);
      Atomics.notify(ints, wordsAt + EchoWord.heard);
      worked = true;
    }
    return worked;
  },
};

transport.run(handler, loop);
transport.destroy();

/**
 * Real threads over the native transport: bells, ten thousand connections, death and succession.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KIB, MIB } from "../../../src/base/unit.ts";
import { Libc } from "../../../src/libc/libc.ts";
import { RLIMIT_NOFILE } from "../../../src/libc/linux.ts";
import { Acceptor } from "../../../src/listen/acceptor.ts";
import { Dealer } from "../../../src/listen/dealer.ts";
import { type Listener, listenNative } from "../../../src/listen/listen.ts";
import type { Arena } from "../../../src/memory/arena.ts";
import { Control, controlBytes } from "../../../src/memory/control.ts";
import { Waker } from "../../../src/ring/wake.ts";
import { NativeBell, openBells } from "../../../src/transport/native-bell.ts";
import { NativeParts, planNative } from "../../../src/transport/native-plan.ts";
import { type NativeKind, nativeProblem } from "../../../src/transport/native-transport.ts";
import { built } from "../../threads/built.ts";
import { type EchoTask, EchoWord } from "./echo-task.ts";
import { until } from "./harness.ts";
import { LOOPBACK } from "./worlds.ts";

const CONNECTIONS = 10_000;
/** Descriptors the test process needs besides its connections. */
const OTHER_DESCRIPTORS = 200;

/** Of our ring's two mappings the smaller holds 1024 entries of 64 bytes. */
const RING_MAPPING_BYTES_MIN = 64 * KIB;

/**
 * Opens connections one after another, 100 at a time; says how many are echoed, then echoes every
 * one again.
 */
const CLIENT_PROGRAM = `
  const { connect } = require("node:net");
  const [port, count] = process.argv.slice(1).map(Number);
  const sockets = [];
  let echoed = 0, started = 0;
  const open = () => {
    if (started === count) return;
    started++;
    const socket = connect(port, "127.0.0.1", () => socket.write("x"));
    socket.on("error", (error) => { console.log(error.code); process.exit(1); });
    socket.once("data", () => {
      sockets.push(socket);
      if (sockets.length < count) { open(); return; }
      for (const each of sockets) {
        each.once("data", () => { if (++echoed === count) console.log("echoed " + echoed); });
        each.write("y");
      }
    });
  };
  for (let i = 0; i < 100; i++) open();
  process.stdin.on("data", () => process.exit(0));
`;

/**
 * Mappings of our io_urings in this process: libuv has some too, from Node 22 on, all of them
 * smaller.
 */
function ringMappings(): number {
  const lines = readFileSync("/proc/self/maps", "latin1").split("\n");
  const sizes = lines
    .filter((line) => line.includes("[io_uring]"))
    .map((line) => /^(\w+)-(\w+)/.exec(line) as RegExpExecArray)
    .map(
      ([, start, end]) => Number.parseInt(end as string, 16) - Number.parseInt(start as string, 16),
    );
  return sizes.filter((size) => size >= RING_MAPPING_BYTES_MIN).length;
}

class Server {
  readonly libc = Libc.load();
  readonly arena: Arena;
  readonly control: Control;
  readonly parts: NativeParts;
  readonly task: EchoTask;
  readonly bell: NativeBell;
  readonly #bellFds: number[];
  acceptor: Acceptor | null = null;
  worker: Worker | null = null;
  failure: unknown = null;
  /** Settles when the worker of the last `start` has ended. */
  exited: Promise<void> = Promise.resolve();

  constructor(slotCount: number, kind: NativeKind) {
    const plan = planNative(slotCount);
    const controlBase = 4 * KIB * Math.ceil(plan.bytes / (4 * KIB));
    const wordsBase = controlBase + controlBytes(1);
    const inputBase = wordsBase + 64 * KIB;
    const keptBase = inputBase + 64 * KIB;
    const buffer = new SharedArrayBuffer(keptBase + MIB);
    this.arena = this.libc.arena(buffer);
    this.control = new Control(this.arena, controlBase);
    this.parts = new NativeParts(this.arena, 0, plan);
    this.#bellFds = openBells(this.libc, 1);
    this.bell = new NativeBell(this.libc, this.#bellFds);
    const bellFd = this.#bellFds[0] as number;
    this.task = {
      buffer,
      slotCount,
      controlBase,
      wordsBase,
      inputBase,
      inputBytes: 64 * KIB,
      keptBase,
      bellFd,
      kind,
    };
  }

  word(word: number): number {
    return Atomics.load(this.arena.ints, (this.task.wordsBase >>> 2) + word);
  }

  setWord(word: number, value: number): void {
    Atomics.store(this.arena.ints, (this.task.wordsBase >>> 2) + word, value);
  }

  /** Starts a worker over the memory; resolves when it has taken over. */
  async start(): Promise<void> {
    this.setWord(EchoWord.leftovers, 0);
    this.failure = null;
    this.worker = new Worker(built("test/unit/transport/echo-worker.ts"), {
      workerData: this.task,
    });
    this.worker.on("error", (error) => {
      this.failure = error;
    });
    this.exited = new Promise((resolve) => this.worker?.once("exit", () => resolve()));
    await until(() => this.word(EchoWord.leftovers) !== 0 || this.failure !== null);
    if (this.failure !== null) throw this.failure;
  }

  async listen(connectionsMax: number): Promise<number> {
    const listeners = await listenNative(this.libc, LOOPBACK, { backlog: 1024, interfaces: null });
    const dealer = new Dealer([this.parts], this.bell);
    this.acceptor = new Acceptor({
      libc: this.libc,
      control: this.control,
      listeners,
      connectionsMax,
      refuse: true,
      deal: (fd, listener) => dealer.deal(fd, listener),
      rejected: () => {},
      stalled: () => {},
    });
    this.acceptor.start();
    return (listeners[0] as Listener).port;
  }

  async stop(): Promise<void> {
    this.acceptor?.stop(true);
    this.setWord(EchoWord.stop, 1);
    this.bell.ring(0);
    await this.exited;
    for (const fd of this.#bellFds) this.libc.files.close(fd);
  }
}

const kinds = (["epoll", "uring"] as const).filter((kind) => nativeProblem(kind) === null);

describe.each(kinds)("a worker of the native transport by %s", (kind) => {
  let server: Server;
  const sockets: Socket[] = [];
  const children: ChildProcess[] = [];

  beforeEach(() => {
    server = new Server(CONNECTIONS, kind);
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const child of children.splice(0)) child.stdin?.write("end");
    await server.stop();
  });

  async function echo(port: number, text: string): Promise<Socket> {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    socket.write(text);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toBe(text);
    return socket;
  }

  test("adopts, echoes, and closes everything when it stops", async () => {
    await server.start();
    const port = await server.listen(CONNECTIONS);
    const [one, two] = await Promise.all([echo(port, "one"), echo(port, "two")]);
    expect(server.parts.table.open()).toBe(2);
    const ends = [once(one, "close"), once(two, "close")];
    server.setWord(EchoWord.stop, 1);
    server.bell.ring(0);
    await Promise.all(ends);
    await until(() => server.control.openConnections() === 0);
    expect(server.parts.table.loopFd()).toBe(-1);
  });

  test("never misses a bell, however it meets the sleep", async () => {
    await server.start();
    const waker = new Waker(server.arena.ints, server.control, server.bell);
    const heardAt = (server.task.wordsBase >>> 2) + EchoWord.heard;
    for (let ping = 1; ping <= 20_000; ping++) {
      server.setWord(EchoWord.sent, ping);
      waker.wake(0);
      // Mostly it answers while we look; sometimes it is left time to fall asleep.
      let looks = ping % 7 === 0 ? 0 : 2000;
      while (looks-- > 0 && server.word(EchoWord.heard) !== ping);
      while (server.word(EchoWord.heard) !== ping) {
        const outcome = Atomics.wait(server.arena.ints, heardAt, ping - 1, 10_000);
        expect(outcome).not.toBe("timed-out");
      }
    }
  });

  for (const [how, kill] of [
    ["throws", () => server.setWord(EchoWord.die, 1)],
    ["is terminated in its wait", () => void server.worker?.terminate()],
  ] as const) {
    test(`that ${how} is followed by one that closes its descriptors and serves on`, async () => {
      await server.start();
      const port = await server.listen(CONNECTIONS);
      for (let incarnation = 0; incarnation < 3; incarnation++) {
        const old = await Promise.all([echo(port, "a"), echo(port, "b"), echo(port, "c")]);
        expect(server.control.openConnections()).toBe(3);
        kill();
        server.bell.ring(0);
        await server.exited;
        server.setWord(EchoWord.die, 0);
        // Accepted while nobody serves: the successor finds it in the mailbox.
        const early = echo(port, "early");
        await until(() => server.parts.mailbox.waiting() === 1);
        const ends = old.map((socket) => once(socket, "close"));
        await server.start();
        expect(server.word(EchoWord.leftovers)).toBe(1 + 3);
        await Promise.all(ends);
        (await early).destroy();
        await until(() => server.control.openConnections() === 0);
      }
      expect(ringMappings()).toBe(kind === "uring" ? 2 : 0); // those of the one that lives
    });
  }

  test(`serves ${CONNECTIONS} connections, or as many as the machine allows`, async () => {
    const { scratch } = server.libc;
    const limits = scratch.address(0, 16);
    server.libc.process.getrlimit(RLIMIT_NOFILE, limits);
    scratch.arena.words.copyWithin(0, 2, 4); // soft = hard
    server.libc.process.setrlimit(RLIMIT_NOFILE, limits);
    const allowed = scratch.arena.words[0] as number;
    const count = Math.min(CONNECTIONS, allowed - OTHER_DESCRIPTORS);
    await server.start();
    const port = await server.listen(CONNECTIONS);
    const child = spawn(process.execPath, ["-e", CLIENT_PROGRAM, String(port), String(count)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    children.push(child);
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    expect(said.toString()).toBe(`echoed ${count}\n`);
    expect(server.parts.table.open()).toBe(count);
    expect(server.control.openConnections()).toBe(count);
    const left = once(child, "exit");
    child.stdin.write("end");
    await left;
    await until(() => server.control.openConnections() === 0);
    expect(server.parts.table.open()).toBe(0);
  });
});

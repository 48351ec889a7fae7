/** The native transport of one worker, in the test's own thread. */
import { KIB, MIB } from "../../../src/base/unit.ts";
import { Libc } from "../../../src/libc/libc.ts";
import { Acceptor, type StallReason } from "../../../src/listen/acceptor.ts";
import { Dealer } from "../../../src/listen/dealer.ts";
import { type Listener, listenNative } from "../../../src/listen/listen.ts";
import { EpollTransport } from "../../../src/transport/epoll/epoll-transport.ts";
import { NativeBell, openBells } from "../../../src/transport/native-bell.ts";
import { NativeParts, planNative } from "../../../src/transport/native-plan.ts";
import type { UringTransport } from "../../../src/transport/uring/uring-transport.ts";
import { EchoHandler, INPUT_BYTES, testControl } from "./harness.ts";

export class NativeHarness {
  readonly libc = Libc.load();
  readonly control = testControl().control;
  readonly parts: NativeParts;
  readonly bellFds: number[];
  readonly bell: NativeBell;
  readonly transport: EpollTransport | UringTransport;
  readonly handler: EchoHandler;
  readonly listeners: Listener[] = [];
  acceptor: Acceptor | null = null;
  rejected = 0;
  readonly stalls: (StallReason | null)[] = [];

  constructor(
    slotCount = 64,
    Kind: typeof EpollTransport | typeof UringTransport = EpollTransport,
  ) {
    const plan = planNative(slotCount);
    const inputOffset = 64 * KIB * Math.ceil(plan.bytes / (64 * KIB));
    const arena = this.libc.arena(new SharedArrayBuffer(inputOffset + 2 * MIB));
    this.parts = new NativeParts(arena, 0, plan);
    this.bellFds = openBells(this.libc, 2);
    this.bell = new NativeBell(this.libc, this.bellFds);
    this.transport = new Kind({
      libc: this.libc,
      parts: this.parts,
      control: this.control,
      bellFd: this.bellFds[0] as number,
      input: { arena, offset: inputOffset, bytes: INPUT_BYTES },
    });
    this.handler = new EchoHandler(arena, inputOffset + MIB);
    this.handler.transport = this.transport;
    this.handler.onTurn = () => this.adoptPosted();
  }

  /** Listens on a free port of 127.0.0.1 and accepts; the port. */
  async listen(connectionsMax = 64, refuse = true): Promise<number> {
    const target = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const listeners = await listenNative(this.libc, target, { backlog: 1024, interfaces: null });
    this.accept(listeners, connectionsMax, refuse);
    return (listeners[0] as Listener).port;
  }

  accept(listeners: readonly Listener[], connectionsMax = 64, refuse = true): void {
    this.listeners.push(...listeners);
    const dealer = new Dealer([this.parts], this.bell);
    this.acceptor = new Acceptor({
      libc: this.libc,
      control: this.control,
      listeners,
      connectionsMax,
      refuse,
      deal: (fd, listener) => dealer.deal(fd, listener),
      rejected: () => {
        this.rejected++;
      },
      stalled: (reason) => this.stalls.push(reason),
    });
    this.acceptor.start();
  }

  /** What a worker does each turn: adopts what its mailbox holds. */
  adoptPosted(): void {
    const { mailbox } = this.parts;
    for (let fd = mailbox.first(); fd !== -1; fd = mailbox.first()) {
      if (!this.transport.adopt(fd, mailbox.firstListener())) {
        this.libc.files.close(fd);
        this.control.addOpenConnections(-1);
      }
      mailbox.take();
    }
  }

  turn(): void {
    this.transport.runTurn(this.handler, this.handler);
  }

  destroy(): void {
    this.acceptor?.stop(true);
    this.transport.destroy();
    for (const fd of this.bellFds) this.libc.files.close(fd);
  }
}

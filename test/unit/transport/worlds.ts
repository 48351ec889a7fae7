/** Both transports behind one face, for tests that must hold for both. */
import { MIB } from "../../../src/base/unit.ts";
import { libcAvailable } from "../../../src/libc/libc.ts";
import type { StallReason } from "../../../src/listen/acceptor.ts";
import type { ListenTarget } from "../../../src/listen/listen.ts";
import { listenNative } from "../../../src/listen/listen.ts";
import { NodeAcceptor } from "../../../src/listen/node-acceptor.ts";
import { Arena } from "../../../src/memory/arena.ts";
import type { Control } from "../../../src/memory/control.ts";
import { EpollTransport } from "../../../src/transport/epoll/epoll-transport.ts";
import { nativeProblem } from "../../../src/transport/native-transport.ts";
import { NodeTransport } from "../../../src/transport/node/node-transport.ts";
import type { Transport } from "../../../src/transport/transport.ts";
import { UringTransport } from "../../../src/transport/uring/uring-transport.ts";
import { EchoHandler, INPUT_BYTES, testControl } from "./harness.ts";
import { NativeHarness } from "./native-harness.ts";

export interface World {
  readonly handler: EchoHandler;
  readonly control: Control;
  readonly transport: Transport;
  /** Listens and accepts; the port, 0 for a path. */
  listen(target: ListenTarget, connectionsMax: number, refuse: boolean): Promise<number>;
  rejected(): number;
  /** What the acceptor told of its stalls. */
  readonly stalls: readonly (StallReason | null)[];
  /** Takes a turn, where libuv does not do it. */
  turn(): void;
  destroy(): void;
}

export const LOOPBACK: ListenTarget = { kind: "tcp", host: "127.0.0.1", port: 0 };

function epollWorld(slotCount: number): World {
  return nativeWorld(new NativeHarness(slotCount, EpollTransport));
}

/**
 * Every transport that serves on this machine, by the name of its class. The kernel may forbid
 * io_uring.
 */
export function worldsHere(): [string, (slotCount: number) => World][] {
  const worlds: [string, (slotCount: number) => World][] = [["NodeTransport", nodeWorld]];
  if (libcAvailable()) {
    worlds.push(["EpollTransport", epollWorld]);
    if (nativeProblem("uring") === null) worlds.push(["UringTransport", uringWorld]);
  }
  return worlds;
}

function uringWorld(slotCount: number): World {
  return nativeWorld(new NativeHarness(slotCount, UringTransport));
}

function nativeWorld(native: NativeHarness): World {
  return {
    handler: native.handler,
    control: native.control,
    transport: native.transport,
    async listen(target, connectionsMax, refuse) {
      const options = { backlog: 1024, interfaces: null };
      const listeners = await listenNative(native.libc, target, options);
      native.accept(listeners, connectionsMax, refuse);
      return listeners[0]?.port ?? 0;
    },
    rejected: () => native.rejected,
    stalls: native.stalls,
    turn: () => native.turn(),
    destroy: () => native.destroy(),
  };
}

function nodeWorld(slotCount: number): World {
  const { control, arena: controlArena } = testControl();
  const arena = new Arena(new SharedArrayBuffer(2 * MIB));
  const transport = new NodeTransport({
    slotCount,
    control,
    input: { arena, offset: 0, bytes: INPUT_BYTES },
    bell: { ints: controlArena.ints, word: control.sleepWord(1) },
  });
  const handler = new EchoHandler(arena, MIB);
  handler.transport = transport;
  handler.sleepMs = -1;
  transport.start(handler, handler);
  let rejected = 0;
  const stalls: (StallReason | null)[] = [];
  let acceptor: NodeAcceptor | null = null;
  return {
    handler,
    control,
    transport,
    async listen(target, connectionsMax, refuse) {
      acceptor = new NodeAcceptor({
        control,
        transport,
        connectionsMax,
        refuse,
        rejected: () => {
          rejected++;
        },
        stalled: (reason) => stalls.push(reason),
      });
      const options = { backlog: 1024, interfaces: null };
      const listeners = await acceptor.listen(target, options);
      acceptor.start();
      return listeners[0]?.port ?? 0;
    },
    rejected: () => rejected,
    stalls,
    turn: () => {},
    destroy() {
      acceptor?.stop();
      transport.destroy();
    },
  };
}

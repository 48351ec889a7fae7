/**
 * Which native transport serves: epoll or io_uring. Both have the same face; a worker asks here and
 * knows neither.
 */
import { SystemError } from "../base/errors.ts";
import { Libc } from "../libc/libc.ts";
import { EpollTransport } from "./epoll/epoll-transport.ts";
import type { NativeOptions } from "./native-plan.ts";
import type { LoopHandler, Transport, TransportHandler } from "./transport.ts";
import { Uring } from "./uring/uring.ts";
import { URING_BYTES } from "./uring/uring-plan.ts";
import { UringTransport } from "./uring/uring-transport.ts";

export type NativeKind = "epoll" | "uring";

/** A transport that drives its own thread. */
export interface NativeTransport extends Transport {
  /** Serves until `stop`. The thread does nothing else. */
  run(handler: TransportHandler, loop: LoopHandler): void;
  /** Ends `run` after the current turn. */
  stop(): void;
  /** One turn of `run`. */
  runTurn(handler: TransportHandler, loop: LoopHandler): void;
  /**
   * Takes over a connected, non-blocking descriptor. False when it cannot: the caller closes it,
   * and takes it off the count of open connections. Only inside a handler call.
   */
  adopt(fd: number, listener: number): boolean;
  /** Closes everything. No handler call follows. */
  destroy(): void;
}

/**
 * The kind that `--transport` names: "epoll", "uring", or anything else for the usual one:
 * io_uring, which costs a fifth less CPU a request, where the kernel has it and lets us
 * (docs/adr/0007-native-transports.md), else epoll.
 */
export function nativeKind(choice: string): NativeKind {
  if (choice === "epoll" || choice === "uring") return choice;
  return nativeProblem("uring") === null ? "uring" : "epoll";
}

/**
 * Null when this kind can serve here, else why not. Ask in the primary, before any worker needs it.
 */
export function nativeProblem(kind: NativeKind): string | null {
  const libc = Libc.load();
  if (kind === "epoll") return null;
  try {
    const arena = libc.arena(new SharedArrayBuffer(URING_BYTES));
    new Uring(libc, libc.memory(arena), 0).close();
    return null;
  } catch (error) {
    if (error instanceof SystemError) return error.message;
    throw error;
  }
}

/** The calling thread's transport. Throws a SystemError when the kernel refuses. */
export function createNativeTransport(kind: NativeKind, options: NativeOptions): NativeTransport {
  return kind === "uring" ? new UringTransport(options) : new EpollTransport(options);
}

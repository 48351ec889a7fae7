/** The choice between the generator's two ways to move bytes. */
import type { NativeMemory } from "../../src/libc/native-memory.ts";
import { RingSockets } from "./ring-sockets.ts";
import { EpollSockets, type Sockets } from "./sockets.ts";
import type { Workload } from "./workload.ts";

/** Sockets of the wanted kind; with "auto", epoll where the kernel has no io_uring for us. */
export function openSockets(
  count: number,
  memory: NativeMemory,
  kind: Workload["sockets"],
): Sockets {
  if (kind === "epoll" || count === 0) return new EpollSockets(count, memory);
  try {
    return new RingSockets(count, memory);
  } catch (error) {
    if (kind === "io_uring") throw error;
    return new EpollSockets(count, memory);
  }
}

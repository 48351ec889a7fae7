/** io_uring's three calls. libc has no names for them: they go by their numbers (uring-abi.ts). */
import type { CLibrary } from "./c-library.ts";
import type { Address } from "./native-memory.ts";
import { SYS_IO_URING_ENTER, SYS_IO_URING_REGISTER, SYS_IO_URING_SETUP } from "./uring-abi.ts";

export function uringCalls(c: CLibrary) {
  const setup = c.call("int syscall(int number, int entries, intptr_t parameters)");
  const register = c.call(
    "int syscall(int number, int ring, int operation, intptr_t what, int count)",
  );
  const enter = c.call(
    "int syscall(int number, int ring, int count, int wanted, int how, intptr_t at, size_t bytes)",
  );
  return {
    /** The ring's descriptor. */
    setup: (entries: number, parameters: Address) => setup(SYS_IO_URING_SETUP, entries, parameters),
    register: (ring: number, what: number, argument: Address, count: number) =>
      register(SYS_IO_URING_REGISTER, ring, what, argument, count),
    /** Requests taken. */
    enter: (
      ring: number,
      submitted: number,
      wanted: number,
      flags: number,
      argument: Address,
      bytes: number,
    ) => enter(SYS_IO_URING_ENTER, ring, submitted, wanted, flags, argument, bytes),
  };
}

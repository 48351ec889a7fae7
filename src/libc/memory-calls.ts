/** Calls on the memory of the process. */
import type { CLibrary } from "./c-library.ts";
import { SYS_MLOCK2 } from "./linux.ts";
import type { Address } from "./native-memory.ts";

export function memoryCalls(c: CLibrary) {
  const mlock2 = c.call("int syscall(int number, intptr_t address, size_t bytes, int flags)");
  return {
    /** Maps memory, of a descriptor or (fd -1) of its own: its address. */
    mmap: c.call(
      "int64_t mmap(intptr_t at, size_t bytes, int protection, int flags, int fd, int64_t offset)",
    ),
    munmap: c.call("int munmap(intptr_t address, size_t bytes)"),
    madvise: c.call("int madvise(intptr_t address, size_t bytes, int advice)"),
    /** Keeps pages from being swapped out: `mlock2`, by its number, since musl has no such name. */
    mlock: (address: Address, bytes: number, flags: number) =>
      mlock2(SYS_MLOCK2, address, bytes, flags),
  };
}

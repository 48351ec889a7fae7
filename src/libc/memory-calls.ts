/** Calls on the memory of the process. */
import type { CLibrary } from "./c-library.ts";

export function memoryCalls(c: CLibrary) {
  return {
    /** Maps memory, of a descriptor or (fd -1) of its own: its address. */
    mmap: c.call(
      "int64_t mmap(intptr_t wish, size_t bytes, int protection, int flags, int fd, int64_t offset)",
    ),
    munmap: c.call("int munmap(intptr_t address, size_t bytes)"),
    madvise: c.call("int madvise(intptr_t address, size_t bytes, int advice)"),
    mlockall: c.call("int mlockall(int flags)"),
  };
}

/** Calls on the process: its limits, its clocks, its end. */
import type { CLibrary } from "./c-library.ts";

export function processCalls(c: CLibrary) {
  return {
    /** `limits`: two u64, the soft and the hard one. */
    getrlimit: c.call("int getrlimit(int resource, intptr_t limits)"),
    setrlimit: c.call("int setrlimit(int resource, intptr_t limits)"),
    /** `time`: a struct timespec. */
    clockGettime: c.call("int clock_gettime(int clock, intptr_t time)"),
    /** Ends the process with all its threads, whatever system call they are in. */
    exit: c.call("void _exit(int status)"),
  };
}

/**
 * Bell: wakes one thread out of its wait. How depends on what it waits in: a notify where it waits
 * for Atomics (ring/wake.ts), a write to its eventfd where it waits in the kernel
 * (transport/native-bell.ts).
 *
 * Workers are threads 0…, the primary is the last. A ring costs the ringer a system call, so only
 * who found the thread asleep rings; one that comes while the thread is awake does no harm.
 */
export interface Bell {
  ring(thread: number): void;
}

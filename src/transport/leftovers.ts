/**
 * Leftovers: what a dead worker's successor does before it serves: close the descriptors its
 * predecessor left open, and unmap its rings.
 *
 * The FdTable says which they are; their clients see the connection end. The mailbox keeps what the
 * predecessor had not yet taken, and the successor adopts that as if nothing had happened.
 */

import type { Libc } from "../libc/libc.ts";
import { SHUT_RDWR } from "../libc/linux.ts";
import type { Control } from "../memory/control.ts";
import { LOOP_MAPPINGS_MAX } from "./fd-table.ts";
import type { NativeParts } from "./native-plan.ts";

/**
 * Closes everything in the table; how many connections that were. Only when the worker that owned
 * them is gone.
 */
export function closeLeftovers(libc: Libc, parts: NativeParts, control: Control): number {
  const { table, mailbox } = parts;
  // It died between putting a descriptor in the table and taking it from the mailbox: it is in
  // both.
  const posted = mailbox.first();
  if (posted !== -1 && table.slotOf(posted) !== -1) mailbox.take();
  const loop = table.loopFd();
  if (loop !== -1) {
    table.setLoopFd(-1);
    libc.files.close(loop);
  }
  for (let index = 0; index < LOOP_MAPPINGS_MAX; index++) {
    const bytes = table.loopMappingBytes(index);
    if (bytes === 0) continue;
    const address = table.loopMappingAddress(index);
    table.setLoopMapping(index, 0, 0);
    libc.mappings.munmap(address, bytes);
  }
  let closed = 0;
  for (let slot = 0; slot < table.slotCount; slot++) {
    if (table.fd(slot) === -1) continue;
    if (!table.isOutgoing(slot)) control.addOpenConnections(-1);
    const fd = table.release(slot);
    // An io_uring takes a while to die, and holds its sockets until then. Shut down, they take no
    // more bytes out of memory that is ours from now on, and put none into it; and the client is
    // told at once.
    libc.sockets.shutdown(fd, SHUT_RDWR);
    libc.files.close(fd);
    closed++;
  }
  table.recount();
  return closed;
}

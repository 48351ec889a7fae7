/** Reads a file an option names. What has no end, as a device may, is an error and no hang. */
import { closeSync, openSync, readSync } from "node:fs";
import { MIB } from "../base/unit.ts";

/** A file of options, users or a token is never near this. */
const FILE_BYTES_MAX = MIB;

/** Throws what the system says, or that the file is too long. */
export function readBounded(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(FILE_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const read = readSync(fd, bytes, length, bytes.length - length, null);
      if (read === 0) return Buffer.from(bytes.subarray(0, length));
      length += read;
      if (length > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    }
  } finally {
    closeSync(fd);
  }
}

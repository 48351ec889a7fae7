/** What this process may use, asked of the system: memory, addresses. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Machine } from "../config/machine.ts";

/** Linux's table of this process's limits; "unlimited" is no number. */
const ADDRESS_LIMIT = /^Max address space +(\d+)/m;

export function thisMachine(): Machine {
  const whole = totalmem();
  const constrained = process.constrainedMemory(); // 0 or beyond all memory where nothing is limited
  const memoryBytes = constrained > 0 ? Math.min(whole, constrained) : whole;
  return { memoryBytes, addressBytesMax: addressBytesMax() };
}

function addressBytesMax(): number {
  try {
    const limit = ADDRESS_LIMIT.exec(readFileSync("/proc/self/limits", "latin1"));
    return limit === null ? Number.POSITIVE_INFINITY : Number(limit[1]);
  } catch {
    return Number.POSITIVE_INFINITY; // no such file: another system
  }
}

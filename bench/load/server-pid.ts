/**
 * Which local process listens at a target, so that its processor time can be read: the kernel's
 * socket tables name an inode, and the process is the one with that socket among its descriptors.
 * Linux only; null when it is not to be found (another machine, another user, another system).
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Target } from "./libc.ts";

const STATE_LISTEN = "0A";

function lines(path: string): string[][] {
  try {
    const rows = readFileSync(path, "utf8").split("\n").slice(1);
    return rows.map((row) => row.trim().split(/\s+/));
  } catch {
    return [];
  }
}

function inodesOf(target: Target): Set<string> {
  if ("path" in target) {
    const rows = lines("/proc/net/unix").filter((words) => words[7] === target.path);
    return new Set(rows.map((words) => words[6] as string));
  }
  const port = target.port.toString(16).toUpperCase().padStart(4, "0");
  const rows = [...lines("/proc/net/tcp"), ...lines("/proc/net/tcp6")].filter(
    (words) => words[3] === STATE_LISTEN && words[1]?.endsWith(`:${port}`),
  );
  return new Set(rows.map((words) => words[9] as string));
}

function descriptorsOf(pid: string): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`));
  } catch {
    return []; // gone, or not ours
  }
}

/** The process that listens at `target`, or null. */
export function findServerPid(target: Target): number | null {
  if (!("path" in target) && target.host !== "::1" && !target.host.startsWith("127.")) return null;
  const inodes = inodesOf(target);
  if (process.platform !== "linux" || inodes.size === 0) return null;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const holds = descriptorsOf(pid).some((link) => inodes.has(/\[(\d+)\]/.exec(link)?.[1] ?? ""));
    if (holds) return Number(pid);
  }
  return null;
}

/**
 * The process's own metrics under the names the exporter gives them when it is told memcached's
 * pid.
 */
import { readdirSync, readFileSync } from "node:fs";
import { residentBytes } from "./memory-truth.ts";
import { counter, gauge, type MetricSpec, type Sample } from "./metric.ts";

const PAGE_TABLE_UNITS = 1024;

function fileText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // not Linux
  }
}

function virtualBytes(): Sample[] {
  const match = /^VmSize:\s+(\d+) kB/m.exec(fileText("/proc/self/status"));
  return match === null ? [] : [{ value: Number(match[1]) * PAGE_TABLE_UNITS }];
}

function openDescriptors(): Sample[] {
  try {
    return [{ value: readdirSync("/proc/self/fd").length }];
  } catch {
    return [];
  }
}

function maxDescriptors(): Sample[] {
  const match = /^Max open files\s+(\d+)/m.exec(fileText("/proc/self/limits"));
  return match === null ? [] : [{ value: Number(match[1]) }];
}

/** memcached_process_*. */
export function processMetrics(): MetricSpec[] {
  const started = Date.now() / 1000 - process.uptime();
  const of = (name: string): string => `memcached_process_${name}`;
  return [
    counter(of("cpu_seconds_total"), "CPU time of all threads.", () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
    gauge(of("resident_memory_bytes"), "Resident memory.", () => residentBytes()),
    gauge(of("virtual_memory_bytes"), "Address space; most of it never touched.", virtualBytes),
    gauge(of("open_fds"), "Open descriptors.", openDescriptors),
    gauge(of("max_fds"), "Descriptors allowed.", maxDescriptors),
    gauge(of("start_time_seconds"), "Unix time of the start.", () => started),
  ];
}

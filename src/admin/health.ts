/**
 * Health: the node's state in one sentence, and when it is not well the cause and what to do about
 * it.
 *
 * It looks at the last minute, so that one odd second does not shout; findings are tried from the
 * worst to the mildest, and the first that holds is told. A finding is told for what it costs those
 * who use the cache (hits they do not get, requests that are refused or slow), not for what the node
 * does: evicting is what a full cache is for, and only hurts when what was evicted is asked for
 * again. Every threshold is named here.
 */
import { ServerState } from "../memory/control.ts";
import type { HealthFrame, HealthLevel, MissFrame } from "./frame.ts";
import { bytesText, countText, microsecondsText, percentText, secondsText } from "./text.ts";

/** Of all reads, those that more memory would have served: worth a word, and an alarm. */
const EVICTED_NOTICE_SHARE = 0.01;
const EVICTED_BAD_SHARE = 0.05;
/** Of all reads, those for keys that nobody stores. */
const NEVER_STORED_NOTICE_SHARE = 0.05;
/** Of all reads, those that miss while a flushed node is filled again. */
const FILLING_NOTICE_SHARE = 0.05;
/** Reads a second that must be lost so before it matters to anybody. */
const LOST_READS_MIN = 1;
/** Of all stores, those without room: below, somebody tries what cannot be. */
const NO_ROOM_BAD_SHARE = 0.01;
const CONNECTIONS_NOTICE_SHARE = 0.9;
/** Of a core: a thread that waits for nobody is now and then kept off it by others. */
const WORKER_BUSY_NOTICE_SHARE = 0.9;
/** A worker is alone with its load when the others' mean is below this. */
const WORKER_OTHERS_SHARE = 0.5;
const P99_NOTICE_MICROSECONDS = 10_000;
/** The hit ratio has fallen when it is below this share of what it was. */
const HIT_RATIO_FALL = 0.8;
/** A second: what fewer requests show may be chance. */
const REQUESTS_WORTH_TELLING = 10;
/** How long a flush is told as the reason for misses. */
const FLUSH_TOLD_SECONDS = 600;
/** A cause is the cause when it explains this share of the misses. */
const CAUSE_SHARE = 0.3;
/** What a process takes beside its items is about this (docs/tuning.md); far more is told. */
const BESIDE_ITEMS_SHARE = 0.25;
const BESIDE_ITEMS_BYTES = 200 * 2 ** 20;
const BESIDE_ITEMS_TOLERATED = 256 * 2 ** 20;
/** Of the container's memory: beyond, the kernel may end the process any time. */
const CGROUP_BAD_SHARE = 0.92;
const KEYS_NAMED = 3;
const SECONDS_A_MINUTE = 60;

/** What the sampler knows of the last minute. Rates are per second. */
export interface Minute {
  readonly state: ServerState;
  /** Shards without a thread. */
  readonly absentShards: readonly number[];
  /** How many seconds the window has: fewer after the start, and after a flush. */
  readonly seconds: number;
  readonly requests: number;
  readonly reads: number;
  readonly sets: number;
  readonly hitRatio: number;
  /** The hit ratio of the hour before; NaN when there was none. */
  readonly hitRatioBefore: number;
  readonly evictions: number;
  readonly evictedAge: number;
  readonly misses: MissFrame;
  readonly rejected: number;
  readonly outOfMemory: number;
  readonly tooLarge: number;
  readonly p99: number;
  readonly memoryShare: number;
  readonly memoryLimit: number;
  readonly residentBytes: number;
  /** 0 when nothing limits the process. */
  readonly cgroupLimit: number;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly busiest: { readonly id: number; readonly busy: number; readonly others: number };
  readonly hottestKey: { readonly text: string; readonly share: number } | null;
  readonly missedKey: { readonly text: string; readonly share: number } | null;
  /** Keys that are only missed, the most missed first. */
  readonly neverStored: readonly string[];
  /** Seconds since the last flush; Infinity when there was none. */
  readonly flushedAgo: number;
}

interface Finding {
  readonly level: HealthLevel;
  readonly word: string;
  readonly cause: string;
}

type Check = (minute: Minute) => Finding | null;

const CHECKS: readonly Check[] = [
  state,
  shardAbsent,
  refusing,
  outOfMemory,
  nearContainersLimit,
  evictingWanted,
  filling,
  neverStored,
  hitRatioFell,
  busyWorker,
  slow,
  connectionsNearLimit,
  tooLarge,
  farBeyondItems,
];

function state({ state }: Minute): Finding | null {
  if (state === ServerState.serving) return null;
  const starting = state === ServerState.starting;
  return {
    level: "notice",
    word: starting ? "Starting" : "Stopping",
    cause: starting ? "The workers are not all serving yet." : "New connections are not accepted.",
  };
}

function shardAbsent({ absentShards }: Minute): Finding | null {
  if (absentShards.length === 0) return null;
  const which = `${absentShards.length === 1 ? "Shard" : "Shards"} ${absentShards.join(", ")}`;
  return {
    level: "bad",
    word: "Not all served",
    cause:
      `${which}: the thread died and the system gives no other, so changes there are refused. ` +
      "The log says what is missing: memory, descriptors, threads.",
  };
}

function refusing(minute: Minute): Finding | null {
  if (minute.rejected === 0) return null;
  const { connections, connectionsMax } = minute;
  return {
    level: "bad",
    word: "Refusing connections",
    cause:
      `${countText(connections)} of ${countText(connectionsMax)} connections are in use and ` +
      `${inTheLastMinute(minute, minute.rejected)} were refused. Raise -c, or find the client that leaks them below.`,
  };
}

function outOfMemory(minute: Minute): Finding | null {
  if (minute.outOfMemory === 0) return null;
  const share = minute.outOfMemory / Math.max(minute.outOfMemory, minute.sets);
  return {
    level: share >= NO_ROOM_BAD_SHARE ? "bad" : "notice",
    word: "Out of memory",
    cause:
      `${inTheLastMinute(minute, minute.outOfMemory)} stores found no room: evictions are off (-M), or one item is ` +
      "too large for a shard. Raise -m.",
  };
}

function nearContainersLimit({ residentBytes, cgroupLimit }: Minute): Finding | null {
  if (cgroupLimit === 0 || residentBytes < cgroupLimit * CGROUP_BAD_SHARE) return null;
  return {
    level: "bad",
    word: "Near the container's limit",
    cause:
      `The process has ${bytesText(residentBytes)} of the ${bytesText(cgroupLimit)} its container may use; beyond, ` +
      "the kernel ends it. Raise the container's limit, or lower -m.",
  };
}

function evictingWanted(minute: Minute): Finding | null {
  const { reads, misses, evictedAge, memoryLimit } = minute;
  const share = reads === 0 ? 0 : misses.evicted / reads;
  if (share < EVICTED_NOTICE_SHARE || misses.evicted < LOST_READS_MIN) return null;
  const age = minute.evictions > 0 ? ` ${secondsText(evictedAge)} after their last use` : "";
  return {
    level: share >= EVICTED_BAD_SHARE ? "bad" : "notice",
    word: "Short of memory",
    cause:
      `${percentText(share)} of the reads, ${countText(misses.evicted)} a second, miss keys that were evicted${age}: ` +
      `${bytesText(memoryLimit)} (-m) do not hold what is asked for. More memory would serve them.`,
  };
}

/** What is missed while a flushed node is filled again. */
function filling(minute: Minute): Finding | null {
  const { flushedAgo, reads, hitRatio, hitRatioBefore } = minute;
  if (flushedAgo >= FLUSH_TOLD_SECONDS || reads < REQUESTS_WORTH_TELLING) return null;
  const before = Number.isNaN(hitRatioBefore) ? 1 : hitRatioBefore;
  if (before - hitRatio < FILLING_NOTICE_SHARE) return null;
  const were = Number.isNaN(hitRatioBefore) ? "" : `, where ${percentText(1 - hitRatioBefore)} did`;
  return {
    level: "notice",
    word: "Filling again",
    cause:
      `Everything was flushed ${secondsText(flushedAgo)} ago: ${percentText(1 - hitRatio)} of the reads miss${were}, ` +
      "until their keys have been stored again.",
  };
}

function neverStored({ reads, misses, neverStored }: Minute): Finding | null {
  const rate = misses.neverStored;
  if (rate < LOST_READS_MIN || rate / reads < NEVER_STORED_NOTICE_SHARE) return null;
  const named = neverStored.slice(0, KEYS_NAMED).join(", ");
  const more = neverStored.length > KEYS_NAMED ? ", …" : "";
  return {
    level: "notice",
    word: "Asked for in vain",
    cause:
      `${percentText(rate / reads)} of the reads, ${countText(rate)} a second, ask for keys that nobody stores: ` +
      `${named}${more}. Their clients could store that there is nothing.`,
  };
}

function hitRatioFell(minute: Minute): Finding | null {
  const { hitRatio, hitRatioBefore, reads } = minute;
  if (reads < REQUESTS_WORTH_TELLING || Number.isNaN(hitRatioBefore)) return null;
  if (hitRatio >= hitRatioBefore * HIT_RATIO_FALL) return null;
  return {
    level: "notice",
    word: "Missing more than usual",
    cause: `Hits fell from ${percentText(hitRatioBefore)} in the hour before to ${percentText(hitRatio)}. ${whyMissed(minute)}`,
  };
}

function whyMissed({ misses, reads, hitRatio, missedKey, flushedAgo }: Minute): string {
  const all = reads * (1 - hitRatio);
  const isCause = (rate: number): boolean => all > 0 && rate / all >= CAUSE_SHARE;
  if (isCause(misses.flushed) || flushedAgo < FLUSH_TOLD_SECONDS) {
    return `Everything was flushed ${secondsText(flushedAgo)} ago, and clients are filling it again.`;
  }
  if (missedKey !== null && missedKey.share > CAUSE_SHARE) {
    return `${percentText(missedKey.share)} of the misses ask for one key: ${missedKey.text}`;
  }
  if (isCause(misses.expired)) {
    return `${percentText(misses.expired / all)} of the misses ask for keys whose time was over.`;
  }
  if (isCause(misses.evicted)) {
    return `${percentText(misses.evicted / all)} of the misses ask for keys that were evicted.`;
  }
  return "Most misses ask for keys that were not here lately: look at the missed keys below.";
}

function busyWorker({ busiest, hottestKey }: Minute): Finding | null {
  if (busiest.busy < WORKER_BUSY_NOTICE_SHARE) return null;
  const alone = busiest.others < WORKER_OTHERS_SHARE;
  const key =
    hottestKey !== null && hottestKey.share > 0.1
      ? ` ${percentText(hottestKey.share)} of all requests ask for one key: ${hottestKey.text}`
      : "";
  return {
    level: "notice",
    word: alone ? "One worker is full" : "Full load",
    cause: alone
      ? `Worker ${busiest.id} is busy ${percentText(busiest.busy)} of the time, the others ` +
        `${percentText(busiest.others)}: its connections ask for more than the others'.${key}`
      : `Every worker is busy: more threads (-t) help while there are cores, else more nodes.${key}`,
  };
}

function slow({ p99, requests }: Minute): Finding | null {
  if (p99 < P99_NOTICE_MICROSECONDS || requests < REQUESTS_WORTH_TELLING) return null;
  return {
    level: "notice",
    word: "Slow",
    cause:
      `One request in a hundred takes longer than ${microsecondsText(p99)} inside the server. ` +
      "The worker lanes tell whether it is one worker or all; a machine short of CPU looks like this too.",
  };
}

function connectionsNearLimit({ connections, connectionsMax }: Minute): Finding | null {
  if (connections < connectionsMax * CONNECTIONS_NOTICE_SHARE) return null;
  return {
    level: "notice",
    word: "Nearly out of connections",
    cause: `${countText(connections)} of ${countText(connectionsMax)} (-c) are open; beyond that clients are refused.`,
  };
}

function tooLarge(minute: Minute): Finding | null {
  if (minute.tooLarge === 0) return null;
  return {
    level: "notice",
    word: "Values too large",
    cause: `${inTheLastMinute(minute, minute.tooLarge)} stores were refused for their size. Raise -I, or store less.`,
  };
}

function farBeyondItems({ residentBytes, memoryLimit }: Minute): Finding | null {
  const planned = memoryLimit * (1 + BESIDE_ITEMS_SHARE) + BESIDE_ITEMS_BYTES;
  if (residentBytes < planned + Math.max(BESIDE_ITEMS_TOLERATED, memoryLimit)) return null;
  return {
    level: "notice",
    word: "Larger than planned",
    cause:
      `The process has ${bytesText(residentBytes)}, where ${bytesText(planned)} are usual with -m ${bytesText(memoryLimit)}: ` +
      "the Memory card tells which part has grown.",
  };
}

/** "17 in the last minute": rare events have no rate anybody can read. */
function inTheLastMinute({ seconds }: Minute, rate: number): string {
  return `${countText(Math.max(1, rate * seconds))} in the ${windowText(seconds)}`;
}

function windowText(seconds: number): string {
  return seconds >= SECONDS_A_MINUTE ? "last minute" : `last ${secondsText(seconds)}`;
}

/** The sentence for the last minute. */
export function healthOf(minute: Minute): HealthFrame {
  const finding = firstFinding(minute);
  const parts = [];
  if (minute.reads > 0) parts.push(`${percentText(minute.hitRatio)} hits`);
  const requests = countText(minute.requests);
  parts.push(requests === "0" ? "no requests" : `${requests} requests a second`);
  if (minute.p99 > 0) parts.push(`p99 ${microsecondsText(minute.p99)}`);
  parts.push(`${percentText(minute.memoryShare)} of memory`);
  parts.push(
    minute.evictions > 0 ? `${countText(minute.evictions)} evictions a second` : "no evictions",
  );
  return {
    level: finding?.level ?? "ok",
    sentence: `${finding?.word ?? "Healthy"}: ${parts.join(", ")} (${windowText(minute.seconds)}).`,
    cause: finding?.cause ?? "",
  };
}

function firstFinding(minute: Minute): Finding | null {
  for (const level of ["bad", "notice"]) {
    for (const check of CHECKS) {
      const finding = check(minute);
      if (finding?.level === level) return finding;
    }
  }
  return null;
}

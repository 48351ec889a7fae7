/**
 * Health: the node's state in one sentence, and when it is not well the cause and what to do about
 * it.
 *
 * It looks at the last minute, so that one odd second does not shout; findings are tried from the
 * worst to the mildest, and the first that holds is told. Every threshold is named here.
 */
import { ServerState } from "../memory/control.ts";
import type { HealthFrame, HealthLevel } from "./frame.ts";
import { bytesText, countText, microsecondsText, percentText, secondsText } from "./text.ts";

/** Evicting items that were used less than this ago hurts. */
const EVICTED_AGE_BAD_SECONDS = 60;
const CONNECTIONS_NOTICE_SHARE = 0.9;
/** Of a core: a thread that waits for nobody is now and then kept off it by others. */
const WORKER_BUSY_NOTICE_SHARE = 0.9;
/** A worker is alone with its load when the others' mean is below this. */
const WORKER_OTHERS_SHARE = 0.5;
const P99_NOTICE_MICROSECONDS = 10_000;
/** The hit ratio has fallen when it is below this share of what it was. */
const HIT_RATIO_FALL = 0.8;
const READS_WORTH_TELLING = 10;
/** How long a flush is told as the reason for misses. */
const FLUSH_TOLD_SECONDS = 600;

/** What the sampler knows of the last minute. Rates are per second. */
export interface Minute {
  readonly state: ServerState;
  /** Shards without a thread. */
  readonly absentShards: readonly number[];
  readonly requests: number;
  readonly reads: number;
  readonly hitRatio: number;
  /** The hit ratio of the hour before; NaN when there was none. */
  readonly hitRatioBefore: number;
  readonly evictions: number;
  readonly evictedAge: number;
  readonly ghostHits: number;
  readonly misses: number;
  readonly rejected: number;
  readonly outOfMemory: number;
  readonly tooLarge: number;
  readonly p99: number;
  readonly memoryShare: number;
  readonly memoryLimit: number;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly busiest: { readonly id: number; readonly busy: number; readonly others: number };
  readonly hottestKey: { readonly text: string; readonly share: number } | null;
  readonly missedKey: { readonly text: string; readonly share: number } | null;
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
  evictingYoung,
  hitRatioFell,
  busyWorker,
  slow,
  connectionsNearLimit,
  tooLarge,
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
      `${countText(minute.rejected)} a second are refused. Raise -c, or find the client that leaks them below.`,
  };
}

function outOfMemory(minute: Minute): Finding | null {
  if (minute.outOfMemory === 0) return null;
  return {
    level: "bad",
    word: "Out of memory",
    cause:
      `${countText(minute.outOfMemory)} stores a second find no room: evictions are off (-M), or one item is too ` +
      "large for a shard. Raise -m.",
  };
}

function evictingYoung(minute: Minute): Finding | null {
  if (minute.evictions === 0 || minute.evictedAge >= EVICTED_AGE_BAD_SECONDS) return null;
  const age = secondsText(minute.evictedAge);
  const useful = minute.misses > 0 ? Math.min(1, minute.ghostHits / minute.misses) : 0;
  const cure =
    useful > 0.05
      ? ` ${percentText(useful)} of the misses are for keys evicted a moment ago: more memory would serve them.`
      : " They are hardly asked for again, so more memory would help little.";
  return {
    level: useful > 0.05 ? "bad" : "notice",
    word: "Short of memory",
    cause:
      `Evicting ${countText(minute.evictions)} items a second that were used only ${age} ago, because ` +
      `${bytesText(minute.memoryLimit)} (-m) is full.${cure}`,
  };
}

function hitRatioFell(minute: Minute): Finding | null {
  const { hitRatio, hitRatioBefore, reads } = minute;
  if (reads < READS_WORTH_TELLING || Number.isNaN(hitRatioBefore)) return null;
  if (hitRatio >= hitRatioBefore * HIT_RATIO_FALL) return null;
  let why = "Look at the missed keys below.";
  if (minute.flushedAgo < FLUSH_TOLD_SECONDS) {
    why = `Everything was flushed ${secondsText(minute.flushedAgo)} ago, and clients are filling it again.`;
  } else if (minute.missedKey !== null && minute.missedKey.share > 0.2) {
    const { text, share } = minute.missedKey;
    why = `${percentText(share)} of the misses ask for one key: ${text}`;
  }
  return {
    level: "notice",
    word: "Missing more than usual",
    cause: `Hits fell from ${percentText(hitRatioBefore)} in the hour before to ${percentText(hitRatio)}. ${why}`,
  };
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

function slow({ p99 }: Minute): Finding | null {
  if (p99 < P99_NOTICE_MICROSECONDS) return null;
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
    cause: `${countText(minute.tooLarge)} stores a second are refused for their size. Raise -I, or store less.`,
  };
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
    sentence: `${finding?.word ?? "Healthy"}: ${parts.join(", ")}.`,
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

/**
 * Node stats: answers every form of the `stats` command from shared memory, as names and values; a
 * protocol's encoder words them. Any thread that has a NodeView can answer, at once, for the whole
 * node.
 *
 *   "stats"            → renderStats("")           lines, then the end
 *   "stats items"      → renderStats("items")
 *   "stats reset"      → renderStats("reset")      no lines, `StatsOutcome.reset`
 */
import { emitItemClasses, emitSlabClasses } from "./classes.ts";
import { emitConnectionList } from "./conns.ts";
import { emitDetail } from "./detail.ts";
import { type Emit, emitGeneral } from "./general.ts";
import { emitHotKeys, HOT_LISTS } from "./hot-keys.ts";
import { emitLatency } from "./latency.ts";
import type { NodeView } from "./node-view.ts";
import { emitSettings } from "./settings-list.ts";
import { emitWorkers } from "./workers.ts";

/** What follows the lines. */
export const StatsOutcome = {
  /** `END`; binary: an empty packet. */
  end: 0,
  /** `RESET`. */
  reset: 1,
  /** `OK`: stats detail on, off. */
  ok: 2,
  /** `ERROR`; binary: key not found. */
  unknown: 3,
  /** `CLIENT_ERROR usage: stats detail on|off|dump`. */
  detailUsage: 4,
  /** `CLIENT_ERROR stats detail not allowed`. */
  detailNotAllowed: 5,
  /** What was emitted are whole lines (`PREFIX …`) in the name, without a value; then `END`. */
  lines: 6,
} as const;
export type StatsOutcome = (typeof StatsOutcome)[keyof typeof StatsOutcome];

/** What follows `stats`, in memcached's order, then ours. */
const WORDS = [
  ...["reset", "detail", "settings", "cachedump", "conns", "extstore", "items", "slabs", "sizes"],
  ...["latency", "workers", "hotkeys"],
];

/**
 * The word `given` begins, the first of several: memcached takes `stats se` for `settings`. Else
 * `given` itself.
 */
export function statsWord(given: string): string {
  if (given === "") return "";
  return WORDS.find((word) => word.startsWith(given)) ?? given;
}

/**
 * Words the key of a binary Stat may begin with; what stands behind them counts for `detail` only.
 */
const BINARY_BEGINNINGS = ["reset", "settings"];
const BINARY_DETAILS = ["on", "off", "dump"];
/** What the binary protocol's Stat never knew. */
const TEXT_ONLY = new Set(["conns", "cachedump", "extstore", "detail"]);
/** A list that no `stats` has. */
const UNKNOWN = "?";

/**
 * The list the key of a binary Stat asks for, and its argument: `detail dump`, `settingsfoo` as
 * `settings`, `items`.
 */
export function binaryStatsWords(key: string): readonly [word: string, argument: string] {
  const beginning = BINARY_BEGINNINGS.find((word) => key.startsWith(word));
  if (beginning !== undefined) return [beginning, ""];
  const detail = BINARY_DETAILS.find((word) => key.startsWith(`detail ${word}`));
  if (detail !== undefined) return ["detail", detail];
  const [word = "", ...rest] = key.split(" ");
  if (TEXT_ONLY.has(word) || (word === "" && key !== "")) return [UNKNOWN, ""];
  if (rest.length > 0 && word !== "hotkeys") return [UNKNOWN, ""];
  return [word, rest.join(" ")];
}

/**
 * Renders `stats <sub> <argument>`; `sub` is empty for the general list. `asker` is the descriptor
 * of the connection that asks, -1 when there is none.
 */
export function renderStats(
  view: NodeView,
  sub: string,
  argument: string,
  asker: number,
  emit: Emit,
): StatsOutcome {
  switch (sub) {
    case "":
      emitGeneral(view, emit);
      return StatsOutcome.end;
    case "settings":
      emitSettings(view, emit);
      return StatsOutcome.end;
    case "items":
      emitItemClasses(view, emit);
      return StatsOutcome.end;
    case "slabs":
      emitSlabClasses(view, emit);
      return StatsOutcome.end;
    case "conns":
      emitConnectionList(view, asker, emit);
      return StatsOutcome.end;
    case "sizes":
      emit("sizes_status", "disabled");
      return StatsOutcome.end;
    case "extstore":
      return StatsOutcome.end;
    case "latency":
      emitLatency(view, emit);
      return StatsOutcome.end;
    case "workers":
      emitWorkers(view, emit);
      return StatsOutcome.end;
    case "hotkeys":
      if (argument !== "" && !(HOT_LISTS as readonly string[]).includes(argument)) {
        return StatsOutcome.unknown;
      }
      emitHotKeys(view, argument, emit);
      return StatsOutcome.end;
    case "detail":
      return renderDetail(view, argument, emit);
    case "reset":
      view.reset();
      return StatsOutcome.reset;
    default:
      return StatsOutcome.unknown;
  }
}

function renderDetail(view: NodeView, argument: string, emit: Emit): StatsOutcome {
  if (!view.settings.dumpEnabled) return StatsOutcome.detailNotAllowed;
  switch (argument) {
    case "on":
    case "off":
      view.control.setDetailEnabled(argument === "on");
      return StatsOutcome.ok;
    case "dump":
      emitDetail(view, emit);
      return StatsOutcome.lines;
    default:
      return StatsOutcome.detailUsage;
  }
}

/**
 * Vivified: the exptime of an item that a meta request made because it was missing (mg N, ma N).
 *
 *   mg k t N100 T30     shows never, stores 30: flags take effect from left to right, also on an item that is new
 */
import type { ServerSeconds } from "../base/unit.ts";
import { Mark, type Request } from "../command/request.ts";

/** The exptime it is stored with: that of N, or of a T behind it. */
export function vivifiedExptime(request: Request): ServerSeconds {
  const last = (request.marks & Mark.exptimeLast) !== 0;
  return last ? request.exptime : request.vivifyExptime;
}

/**
 * The exptime that flag t shows of an item this request has made. Only the flags to the left of t
 * have taken effect when it is shown.
 */
export function shownExptime(request: Request): ServerSeconds {
  const marks = request.marks;
  const vivified = (marks & Mark.vivifyExptimeBefore) === 0;
  const touched = (marks & Mark.exptime) !== 0 && (marks & Mark.exptimeBefore) === 0;
  if (vivified && touched) {
    return (marks & Mark.exptimeLast) !== 0 ? request.exptime : request.vivifyExptime;
  }
  if (vivified) return request.vivifyExptime;
  return touched ? request.exptime : (0 as ServerSeconds);
}

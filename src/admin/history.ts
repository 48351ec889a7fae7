/**
 * History: the last 24 hours of a few dozen numbers, in memory, so that nobody needs a database to
 * look back.
 *
 *   recent   300 rows, one a second           5 minutes
 *   day      8640 rows, one in 10 seconds     24 hours      mean, or the largest for series that name a worst case
 *
 *   one Float32Array per series and resolution, written round and round; a row's time follows from its number
 *
 * Gaps (a laptop asleep, a primary too busy) are rows of NaN, which charts leave open.
 */
import { assert } from "../base/assert.ts";

export const RECENT_SECONDS = 300;
export const DAY_STEP_SECONDS = 10;
export const DAY_ROWS = (24 * 60 * 60) / DAY_STEP_SECONDS;

/** A tick may be this many rows late before they count as missing. */
const LATE_ROWS_MAX = 2;

/**
 * Rows `recent` and `day` return at most: what a chart is wide; the 24 hours are folded to 2
 * minutes.
 */
const READ_ROWS_MAX = 720;

/** How a series is folded into rows of 10 seconds. */
export type Fold = "mean" | "max" | "last";

export interface SeriesSpec {
  readonly name: string;
  readonly fold: Fold;
}

/** What `read` returns: times as Unix seconds, then one array a series, oldest first. */
export interface HistoryTable {
  readonly stepSeconds: number;
  readonly times: number[];
  readonly series: Record<string, (number | null)[]>;
}

class Ring {
  readonly #columns: Float32Array[];
  readonly #rowsMax: number;
  readonly #stepSeconds: number;
  /** Number of the row written last: its Unix time divided by the step. */
  #last = -1;
  #rows = 0;

  constructor(seriesCount: number, rowsMax: number, stepSeconds: number) {
    this.#columns = Array.from({ length: seriesCount }, () => new Float32Array(rowsMax));
    this.#rowsMax = rowsMax;
    this.#stepSeconds = stepSeconds;
  }

  write(unixSeconds: number, values: ArrayLike<number>): void {
    const row = Math.floor(unixSeconds / this.#stepSeconds);
    if (this.#last >= 0) {
      if (row <= this.#last) return; // the clock was set back: the past is kept
      const missed = Math.min(row - this.#last - 1, this.#rowsMax);
      // A late tick's rates cover the seconds it missed; a long silence is a gap.
      const filling = missed <= LATE_ROWS_MAX ? values : null;
      for (let gap = 1; gap <= missed; gap++) this.#put(this.#last + gap, filling);
    }
    this.#last = row;
    this.#put(row, values);
  }

  #put(row: number, values: ArrayLike<number> | null): void {
    const at = row % this.#rowsMax;
    this.#columns.forEach((column, series) => {
      column[at] = values === null ? Number.NaN : (values[series] as number);
    });
    this.#rows = Math.min(this.#rows + 1, this.#rowsMax);
  }

  /** Columns [from, to), folded so that at most `READ_ROWS_MAX` rows are returned. */
  read(specs: readonly SeriesSpec[], from: number, to: number): HistoryTable {
    const group = Math.ceil(this.#rows / READ_ROWS_MAX) || 1;
    const last = this.#last;
    const first = last - this.#rows + 1;
    const times: number[] = [];
    for (let row = first; row <= last; row += group) times.push(row * this.#stepSeconds);
    const series: Record<string, (number | null)[]> = {};
    for (let index = from; index < to; index++) {
      const { name, fold } = specs[index] as SeriesSpec;
      const column = this.#columns[index] as Float32Array;
      series[name] = times.map((_, at) => this.#folded(column, fold, first + at * group, group));
    }
    return { stepSeconds: this.#stepSeconds * group, times, series };
  }

  #folded(column: Float32Array, fold: Fold, first: number, group: number): number | null {
    let sum = 0;
    let rows = 0;
    for (let row = first; row < first + group && row <= this.#last; row++) {
      const value = column[row % this.#rowsMax] as number;
      if (Number.isNaN(value)) continue;
      rows++;
      sum =
        fold === "mean" ? sum + value : fold === "max" && rows > 1 ? Math.max(sum, value) : value;
    }
    if (rows === 0) return null;
    return round(fold === "mean" ? sum / rows : sum);
  }
}

/** Four significant digits: what a chart can show, and half the JSON. */
export function round(value: number): number {
  return value === 0 || !Number.isFinite(value) ? 0 : Number(value.toPrecision(4));
}

export class History {
  readonly #specs: readonly SeriesSpec[];
  readonly #names: readonly string[];
  readonly #recent: Ring;
  readonly #day: Ring;
  readonly #folded: Float64Array;
  #foldedRows = 0;
  #foldedStep = -1;

  constructor(specs: readonly SeriesSpec[]) {
    this.#specs = specs;
    this.#names = specs.map((spec) => spec.name);
    this.#recent = new Ring(specs.length, RECENT_SECONDS, 1);
    this.#day = new Ring(specs.length, DAY_ROWS, DAY_STEP_SECONDS);
    this.#folded = new Float64Array(specs.length);
  }

  /** Adds the numbers of one second, in the order of the specs. */
  add(unixSeconds: number, values: ArrayLike<number>): void {
    assert(values.length === this.#specs.length, "one value a series");
    this.#recent.write(unixSeconds, values);
    const step = Math.floor(unixSeconds / DAY_STEP_SECONDS);
    if (step !== this.#foldedStep) this.#flush(step);
    this.#foldedRows++;
    this.#specs.forEach(({ fold }, series) => {
      const value = values[series] as number;
      const before = this.#folded[series] as number;
      if (fold === "mean") this.#folded[series] = before + value;
      else if (fold === "last") this.#folded[series] = value;
      else this.#folded[series] = Math.max(before, value);
    });
  }

  /** The last 5 minutes, of all series, or of those whose name begins with `prefix`. */
  recent(prefix = ""): HistoryTable {
    return this.#read(this.#recent, prefix);
  }

  /** The last 24 hours. */
  day(prefix = ""): HistoryTable {
    return this.#read(this.#day, prefix);
  }

  /** Series of one prefix stand together, so a range of columns is enough. */
  #read(ring: Ring, prefix: string): HistoryTable {
    const from = this.#names.findIndex((name) => name.startsWith(prefix));
    if (from < 0) return ring.read(this.#specs, 0, 0);
    let to = from;
    while (this.#names[to]?.startsWith(prefix)) to++;
    return ring.read(this.#specs, from, to);
  }

  #flush(step: number): void {
    if (this.#foldedRows > 0) {
      const row = this.#folded.map((value, series) =>
        this.#specs[series]?.fold === "mean" ? value / this.#foldedRows : value,
      );
      this.#day.write(this.#foldedStep * DAY_STEP_SECONDS, row);
    }
    this.#folded.fill(0);
    this.#foldedRows = 0;
    this.#foldedStep = step;
  }
}

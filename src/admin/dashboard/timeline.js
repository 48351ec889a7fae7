/**
 * Timeline: the series behind the charts: 5 minutes by second, kept here and fed by the live
 * frames; 24 hours by two minutes, fetched again while they are shown.
 */
import { fetchJson } from "./api.js";

const RECENT_ROWS = 300;
const LATE_SECONDS_MAX = 3;
const DAY_REFRESH_MILLISECONDS = 60_000;

/** A frame's numbers under the history's names. */
function seriesOf(frame) {
  const { rates, latency } = frame;
  const values = {
    "rate.hits": rates.hits,
    "rate.misses": rates.misses,
    "rate.sets": rates.sets,
    "rate.deletes": rates.deletes,
    "rate.arithmetic": rates.arithmetic,
    "rate.touches": rates.touches,
    "rate.evictions": rates.evictions,
    "rate.flushes": rates.flushes,
    "latency.p50": latency.p50 || null,
    "latency.p99": latency.p99 || null,
    "latency.p999": latency.p999 || null,
    "gauge.hitRatio": frame.hitRatio,
    "gauge.items": frame.items,
    "gauge.bytes": frame.memory.items,
    "gauge.connections": frame.connections,
  };
  latency.heat.forEach((each, row) => {
    values[`heat.${row}`] = each;
  });
  return values;
}

export class Timeline {
  range = "5m";
  #recent = { stepSeconds: 1, times: [], series: {} };
  #day = { stepSeconds: 120, times: [], series: {} };
  #dayAt = 0;
  #changed;

  /** `changed` is called when there is something new to draw. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** What is shown now. */
  table() {
    return this.range === "24h" ? this.#day : this.#recent;
  }

  /** The last `rows` values of a series, of the last 5 minutes. */
  recent(name, rows = RECENT_ROWS) {
    let last = 0;
    return (this.#recent.series[name] ?? []).slice(-rows).map((value) => {
      last = value ?? last;
      return last;
    });
  }

  async load() {
    this.#recent = await fetchJson("api/v1/history?range=5m");
    this.#changed();
  }

  async show(range) {
    this.range = range;
    if (range === "24h") await this.#loadDay();
    this.#changed();
  }

  add(frame) {
    const { times, series } = this.#recent;
    const last = times.at(-1) ?? frame.time - 1;
    if (frame.time <= last) return;
    // A late frame's rates cover the seconds before it; after a long silence there is a gap.
    const late = frame.time - last <= LATE_SECONDS_MAX;
    const from = late ? last + 1 : Math.max(last + 1, frame.time - RECENT_ROWS);
    const values = seriesOf(frame);
    for (let time = from; time <= frame.time; time++) {
      const known = late || time === frame.time;
      for (const [name, value] of Object.entries(values)) {
        series[name] ??= new Array(times.length).fill(null);
        series[name].push(known ? value : null);
      }
      times.push(time);
      for (const column of Object.values(series))
        if (column.length < times.length) column.push(null);
    }
    while (times.length > RECENT_ROWS) {
      times.shift();
      for (const column of Object.values(series)) column.shift();
    }
    if (this.range === "24h" && Date.now() - this.#dayAt > DAY_REFRESH_MILLISECONDS) {
      void this.#loadDay().then(this.#changed);
    }
    if (this.range === "5m") this.#changed();
  }

  async #loadDay() {
    this.#dayAt = Date.now();
    this.#day = await fetchJson("api/v1/history?range=24h");
  }
}

/** Latency: a heat map of time by log latency, with the median, p99 and p99.9 drawn over it. */
import { TimeChart } from "./chart.js";
import { byId, color, mix } from "./dom.js";
import { micros } from "./format.js";

const LINES = [
  { series: "latency.p50", label: "p50", swatch: "ink", width: 1.8 },
  { series: "latency.p99", label: "p99", swatch: "notice", width: 1.6 },
  { series: "latency.p999", label: "p99.9", swatch: "bad", width: 1.3 },
];
const ROWS = 41;
const DECADES = [1, 10, 100, 1000, 1e4, 1e5, 1e6];

/** Where row `row` of the heat ends, in microseconds (admin/heat.ts). */
function rowEnd(row) {
  return 2 ** (row / 2);
}

export class Latency {
  #chart;
  #table = { times: [], series: {}, stepSeconds: 1 };
  #top = 1000;

  constructor() {
    this.#chart = new TimeChart(byId("latency"), byId("latency-legend"), {
      legend: LINES.map((line) => ({ ...line, line: true })),
      series: LINES.map(({ label, swatch, width }) => ({
        style: () => ({
          label,
          stroke: color(swatch),
          width,
          points: { show: false },
          spanGaps: false,
        }),
      })),
      values: (value) => (value === null ? "" : micros(value)),
      splits: (_, __, min, max) => DECADES.filter((each) => each >= min && each <= max),
      scales: () => ({ y: { distr: 3, log: 10, range: () => [1, this.#top] } }),
      legendRow: (data, index) => LINES.map((_, line) => micros(data[line + 1][index] ?? 0)),
      paint: (chart) => this.#paint(chart),
    });
  }

  update(table, range) {
    this.#table = table;
    const columns = LINES.map(({ series }) => table.series[series] ?? []);
    const largest = Math.max(300, ...columns[2].map((value) => value ?? 0));
    this.#top = 2 ** (Math.ceil(2 * Math.log2(largest * 2)) / 2);
    // A latency of 0 is a second without requests: log scales leave it out.
    const data = columns.map((column) => column.map((value) => value || null));
    this.#chart.update([table.times, ...data], range);
    const [p50, p99] = data.map((column) => column.at(-1) ?? 0);
    const label = `Median ${micros(p50)}, 99th percentile ${micros(p99)}`;
    byId("latency").setAttribute("aria-label", label);
  }

  restyle() {
    this.#chart.restyle();
  }

  /** One cell a row and time, as dark as the logarithm of its share of that time's requests. */
  #paint(chart) {
    const { ctx, bbox } = chart;
    const { times, series, stepSeconds } = this.#table;
    const low = color("heat-low");
    const high = color("heat-high");
    const shades = Array.from({ length: 33 }, (_, shade) => mix(low, high, shade / 32));
    const totals = times.map((_, at) => {
      let total = 0;
      for (let row = 0; row < ROWS; row++) total += series[`heat.${row}`]?.[at] ?? 0;
      return total;
    });
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (let row = 0; row < ROWS; row++) {
      const column = series[`heat.${row}`];
      if (column === undefined) continue;
      const bottom = chart.valToPos(row === 0 ? 0.5 : rowEnd(row - 1), "y", true);
      const top = chart.valToPos(rowEnd(row), "y", true);
      column.forEach((value, at) => {
        if (!value) return;
        const share = value / totals[at];
        const shade = Math.max(0, Math.min(32, Math.round(32 * (1 + Math.log10(share) / 3.5))));
        const left = Math.floor(chart.valToPos(times[at] - stepSeconds, "x", true));
        const right = Math.ceil(chart.valToPos(times[at], "x", true));
        ctx.fillStyle = shades[shade];
        ctx.fillRect(left, Math.floor(top), right - left, Math.ceil(bottom) - Math.floor(top));
      });
    }
    ctx.restore();
  }
}

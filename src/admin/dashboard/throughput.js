/**
 * The throughput ribbon: requests a second, stacked by command, reads split into hits and misses.
 */
import { paintMarkers, TimeChart } from "./chart.js";
import { byId, color } from "./dom.js";
import { count } from "./format.js";

/** From the bottom up. */
const LAYERS = [
  { series: "rate.hits", label: "Hits", swatch: "hits" },
  { series: "rate.misses", label: "Misses", swatch: "misses" },
  { series: "rate.sets", label: "Sets", swatch: "sets" },
  { series: "rate.deletes", label: "Deletes", swatch: "deletes" },
  { series: "rate.arithmetic", label: "Incr", swatch: "arithmetic" },
  { series: "rate.touches", label: "Touch", swatch: "touches" },
];
const ROOM_ABOVE = 1.12;

export class Throughput {
  #chart;
  #parts = [];
  #markers = { times: [], flushes: [] };

  constructor() {
    this.#chart = new TimeChart(byId("throughput"), byId("throughput-legend"), {
      legend: LAYERS,
      series: LAYERS.map(({ label, swatch }, layer) => ({
        style: () => ({
          label,
          stroke: color(swatch),
          width: 1.2,
          fill: layer === 0 ? `${color(swatch)}b8` : undefined,
          points: { show: false },
        }),
      })),
      bands: () =>
        LAYERS.slice(1).map(({ swatch }, layer) => ({
          series: [layer + 2, layer + 1],
          fill: `${color(swatch)}b8`,
        })),
      values: count,
      scales: () => ({ y: { range: (_, __, max) => [0, Math.max(10, max * ROOM_ABOVE)] } }),
      legendRow: (_, index) => this.#parts.map((part) => count(part[index] ?? 0)),
      paintOver: (chart) => paintMarkers(chart, this.#markers.times, this.#markers.flushes),
    });
  }

  update(table, range) {
    const { times, series } = table;
    this.#parts = LAYERS.map((layer) => series[layer.series] ?? times.map(() => null));
    this.#markers = { times, flushes: series["rate.flushes"] ?? [] };
    const stacked = [];
    this.#parts.forEach((part, layer) => {
      stacked.push(
        part.map((value, row) =>
          value === null ? null : value + (layer === 0 ? 0 : (stacked[layer - 1][row] ?? 0)),
        ),
      );
    });
    this.#chart.update([times, ...stacked], range);
    const total = stacked.at(-1)?.at(-1) ?? 0;
    byId("throughput").setAttribute("aria-label", `${count(total)} requests a second`);
  }

  restyle() {
    this.#chart.restyle();
  }
}

/* global uPlot */
/**
 * What the time charts share: axes, colours, a legend in the card's header, markers for flushes.
 */
import { color, el } from "./dom.js";
import { clock } from "./format.js";

const AXIS_FONT = "11px system-ui, sans-serif";
const DAY_STEP_SECONDS = 60;

/** Axes of a chart; `values` words the numbers of the y axis. */
function axes(values, splits) {
  const grid = { stroke: color("line"), width: 1 };
  const shared = { stroke: color("faint"), font: AXIS_FONT, ticks: { show: false } };
  const y = { ...shared, grid, size: 58, gap: 8, values: (_, ticks) => ticks.map(values) };
  if (splits !== undefined) y.splits = splits;
  return [
    {
      ...shared,
      grid: { show: false },
      size: 26,
      space: 90,
      values: (_, times) => {
        const seconds = times.length > 1 && times[1] - times[0] < DAY_STEP_SECONDS;
        return times.map((time) => clock(time, seconds));
      },
    },
    y,
  ];
}

/**
 * A chart that follows its card's width, is redrawn when the theme changes, and has a legend
 * outside of itself.
 */
export class TimeChart {
  #place;
  #legend;
  #options;
  #chart = null;
  #data = [[]];
  #labels = [];
  #hovered = null;

  /**
   * `options`: series [{label, color, …uPlot}], bands, scale, values, format, legendRow(data,
   * index), paint(u).
   */
  constructor(place, legend, options) {
    this.#place = place;
    this.#legend = legend;
    this.#options = options;
    this.#buildLegend();
    new ResizeObserver(() => this.#resize()).observe(place);
  }

  /** Draws new data: times, then one array a series. */
  update(data, range) {
    this.#data = data;
    if (this.#chart === null) this.#build();
    this.#chart.batch(() => {
      this.#chart.setData(data, false);
      this.#chart.setScale("x", range);
      this.#options.scaleY?.(this.#chart, data);
    });
    this.#fillLegend(this.#hovered);
  }

  /** After the theme changed. */
  restyle() {
    this.#chart?.destroy();
    this.#chart = null;
    this.#buildLegend();
  }

  #resize() {
    this.#chart?.setSize({ width: this.#place.clientWidth, height: this.#place.clientHeight });
  }

  #build() {
    const { series, bands, values, splits, scales, paint, paintOver } = this.#options;
    const hooks = {
      setCursor: [
        (chart) => {
          const index = chart.cursor.idx;
          this.#hovered = chart.cursor.left >= 0 && index !== null ? index : null;
          this.#fillLegend(this.#hovered);
        },
      ],
    };
    if (paint !== undefined) hooks.drawClear = [paint];
    if (paintOver !== undefined) hooks.draw = [paintOver];
    this.#chart = new uPlot(
      {
        width: this.#place.clientWidth,
        height: this.#place.clientHeight,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 7, width: 1.5 } },
        padding: [10, 26, 0, 0],
        axes: axes(values, splits),
        scales: { x: { time: true, auto: false }, ...scales?.() },
        series: [{}, ...series.map((each) => each.style())],
        bands: bands?.() ?? [],
        hooks,
      },
      this.#data,
      this.#place,
    );
  }

  #buildLegend() {
    this.#legend.replaceChildren();
    this.#labels = this.#options.legend.map(({ label, swatch, line }) => {
      const value = el("b", {}, "–");
      const mark = el("i", { class: line ? "line" : "", swatch: color(swatch) });
      this.#legend.append(el("span", {}, mark, label, value));
      return value;
    });
  }

  #fillLegend(hovered) {
    const last = this.#data[0].length - 1;
    const texts = this.#options.legendRow(this.#data, hovered ?? last);
    texts.forEach((text, index) => {
      this.#labels[index].textContent = text;
    });
  }
}

/** Dashed lines where everything was flushed. */
export function paintMarkers(chart, times, flushes) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = color("muted");
  ctx.fillStyle = color("muted");
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.setLineDash([4, 4]);
  times.forEach((time, index) => {
    if (!flushes[index]) return;
    const x = chart.valToPos(time, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText("flush", x + 4, bbox.top + 12 * devicePixelRatio);
  });
  ctx.restore();
}

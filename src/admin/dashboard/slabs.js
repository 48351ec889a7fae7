/**
 * The slab map: every slab of every shard, in memory order; one sees them fill, age, and be
 * evicted.
 */
import { byId, color, el, fitCanvas, mix, tooltip } from "./dom.js";
import { bytes, count, percent, seconds } from "./format.js";

const CELL_BYTES = 4;
const QUEUES = ["free", "small", "main", "large"];
const FLASH_MILLISECONDS = 1200;
const SHARD_GAP = 18;
const LABEL_HEIGHT = 18;
const CELL_MAX = 26;
const AGE_STEPS_PER_OCTAVE = 16;
/** Age bytes this much smaller than before mean: another slab's life began here. */
const REUSED_AGE_STEP = 3;

function ageOf(byte) {
  return 2 ** (byte / AGE_STEPS_PER_OCTAVE) - 1;
}

export class Slabs {
  #map = null;
  #shards = [];
  #queues = [];
  #layout = [];
  #flashing = false;
  #still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  constructor() {
    const canvas = byId("slabs");
    new ResizeObserver(() => this.#draw()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => tooltip(this.#describe(event), event));
    canvas.addEventListener("pointerleave", (event) => tooltip("", event));
  }

  update(map) {
    this.#map = map;
    const now = performance.now();
    map.shards.forEach((shard, index) => {
      const cells = Uint8Array.from(atob(shard.cells), (char) => char.charCodeAt(0));
      const before = this.#shards[index];
      const flashes = before?.flashes ?? new Float64Array(cells.length / CELL_BYTES);
      if (before !== undefined) this.#flash(before.cells, cells, flashes, now);
      this.#shards[index] = {
        cells,
        flashes,
        slabs: shard.slabs,
        slabsPerCell: shard.slabsPerCell,
      };
    });
    this.#draw();
  }

  queues({ queues, slabs }) {
    this.#queues = queues;
    this.#legend(slabs.free);
  }

  restyle() {
    this.#legend(0);
    this.#draw();
  }

  #legend(free) {
    const entries = this.#queues.map(({ name, slabs, items, ageSeconds }) => {
      const age = slabs > 0 ? `, ${count(items)} items, oldest ${seconds(ageSeconds)}` : "";
      const mark = el("i", { swatch: color(name) });
      return el("span", { title: `${slabs} slabs${age}` }, mark, name, el("b", {}, count(slabs)));
    });
    const none = el(
      "span",
      {},
      el("i", { swatch: color("line") }),
      "free",
      el("b", {}, count(free)),
    );
    byId("slabs-legend").replaceChildren(...entries, none);
  }

  #flash(before, cells, flashes, now) {
    for (let at = 0; at < cells.length; at += CELL_BYTES) {
      const evicted = before[at] !== 0 && cells[at] === 0;
      const reused = before[at] !== 0 && cells[at + 3] + REUSED_AGE_STEP < before[at + 3];
      if (evicted || reused) flashes[at / CELL_BYTES] = now;
    }
  }

  #place(width, height) {
    const shards = this.#shards;
    const wide = (width - SHARD_GAP * (shards.length - 1)) / shards.length;
    const high = height - LABEL_HEIGHT;
    const most = Math.max(1, ...shards.map(({ cells }) => cells.length / CELL_BYTES));
    let size = Math.min(CELL_MAX, Math.sqrt((wide * high) / most));
    while (size > 2 && Math.floor(wide / size) * Math.floor(high / size) < most) size -= 0.25;
    const columns = Math.max(1, Math.floor(wide / size));
    this.#layout = shards.map((_, index) => ({
      x: index * (wide + SHARD_GAP),
      wide,
      size: wide / columns,
      columns,
      high: size,
    }));
  }

  #draw() {
    if (this.#map === null) return;
    const { context, width, height } = fitCanvas(byId("slabs"));
    this.#place(width, height);
    const now = performance.now();
    const colors = QUEUES.map((name) => (name === "free" ? color("line") : color(name)));
    const paper = color("card");
    const inset = color("inset");
    const flash = color("bad");
    context.font = "11px system-ui, sans-serif";
    let lit = false;
    this.#shards.forEach(({ cells, flashes }, index) => {
      const { x, size, columns, high } = this.#layout[index];
      context.fillStyle = color("faint");
      if (this.#shards.length > 1) context.fillText(`shard ${index}`, x, 11);
      const gap = size > 6 ? 1.5 : 0.5;
      for (let cell = 0; cell < flashes.length; cell++) {
        const at = cell * CELL_BYTES;
        const left = x + (cell % columns) * size;
        const top = LABEL_HEIGHT + Math.floor(cell / columns) * high;
        const wide = size - gap;
        const tall = high - gap;
        context.fillStyle = inset;
        context.fillRect(left, top, wide, tall);
        const queue = cells[at];
        if (queue !== 0) {
          const written = cells[at + 1] / 255;
          const live = written > 0 ? cells[at + 2] / cells[at + 1] : 0;
          const filled = Math.max(1, tall * written);
          context.fillStyle = mix(paper, colors[queue], 0.18 + 0.82 * Math.min(1, live));
          context.fillRect(left, top + tall - filled, wide, filled);
        }
        const glow = 1 - (now - flashes[cell]) / FLASH_MILLISECONDS;
        if (flashes[cell] > 0 && glow > 0 && !this.#still) {
          lit = true;
          context.globalAlpha = glow;
          context.strokeStyle = flash;
          context.lineWidth = 1;
          context.strokeRect(left - 0.25, top - 0.25, wide + 0.5, tall + 0.5);
          context.globalAlpha = 1;
        }
      }
    });
    this.#animate(lit);
  }

  #animate(lit) {
    if (!lit || this.#flashing) return;
    this.#flashing = true;
    requestAnimationFrame(() => {
      this.#flashing = false;
      this.#draw();
    });
  }

  #describe(event) {
    const canvas = byId("slabs");
    const { left, top } = canvas.getBoundingClientRect();
    const x = event.clientX - left;
    const y = event.clientY - top - LABEL_HEIGHT;
    const index = this.#layout.findIndex((each) => x >= each.x && x < each.x + each.wide);
    if (index < 0 || y < 0) return "";
    const { columns, size, high, x: from } = this.#layout[index];
    const cell = Math.floor(y / high) * columns + Math.floor((x - from) / size);
    const { cells, slabs, slabsPerCell } = this.#shards[index];
    if (cell * CELL_BYTES >= cells.length) return "";
    const at = cell * CELL_BYTES;
    const first = cell * slabsPerCell;
    const name =
      slabsPerCell === 1
        ? `slab ${first}`
        : `slabs ${first}–${Math.min(slabs, first + slabsPerCell) - 1}`;
    const head = `Shard ${index}, ${name} · ${bytes(this.#map.slabBytes)}`;
    if (cells[at] === 0) return `${head}\nfree`;
    const written = cells[at + 1] / 255;
    const live = cells[at + 2] / 255;
    const age = seconds(ageOf(cells[at + 3]));
    return `${head}\n${QUEUES[cells[at]]} queue, ${percent(written, 0)} written, ${percent(live, 0)} live\nopened ${age} ago`;
  }
}

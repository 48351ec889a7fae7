/**
 * Lifetimes: the TTLs clients give against the ages at which items are evicted, on one logarithmic
 * axis.
 */
import { byId, color, el, fitCanvas } from "./dom.js";
import { count, roughly, seconds } from "./format.js";

const ROWS = 49;
const QUEUES = ["small", "main", "large"];
const TICKS = [
  [1, "1 s"],
  [10, "10 s"],
  [60, "1 min"],
  [600, "10 min"],
  [3600, "1 h"],
  [21_600, "6 h"],
  [86_400, "1 day"],
  [604_800, "1 week"],
  [2_592_000, "30 days"],
];
const AXIS_HEIGHT = 20;
const MARK_HEIGHT = 16;

function rowOf(value) {
  return value <= 1 ? 0 : Math.min(ROWS - 1, 2 * Math.log2(value));
}

/** The lifetime below which `share` of a histogram lies: the middle of its row. */
function quantile(rows, share) {
  const wanted = rows.reduce((sum, each) => sum + each, 0) * share;
  let seen = 0;
  for (let row = 0; row < rows.length; row++) {
    seen += rows[row];
    if (wanted > 0 && seen >= wanted) return 2 ** ((row - 0.5) / 2);
  }
  return 0;
}

export class Ages {
  #last = null;

  constructor() {
    this.#legend();
    new ResizeObserver(() => this.#draw()).observe(byId("ages"));
  }

  update({ ages, misses }) {
    this.#last = ages;
    this.#draw();
    byId("ages-note").textContent = sentence(ages);
    byId("ages").setAttribute("aria-label", sentence(ages));
    byId("misses-note").textContent = whyMissed(misses);
  }

  restyle() {
    this.#legend();
    this.#draw();
  }

  #legend() {
    const entry = (swatch, text) => el("span", {}, el("i", { swatch: color(swatch) }), text);
    byId("ages-legend").replaceChildren(
      entry("sets", "TTL asked for"),
      entry("misses", "Age at eviction"),
    );
  }

  #draw() {
    if (this.#last === null) return;
    const { ttl, evictions, oldest } = this.#last;
    const { context, width, height } = fitCanvas(byId("ages"));
    const base = height - AXIS_HEIGHT;
    const step = width / ROWS;
    const x = (value) => (rowOf(value) + 0.5) * step;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    let right = 0;
    for (const [value, label] of TICKS) {
      const at = Math.max(16, Math.min(width - 24, x(value)));
      context.fillStyle = color("line");
      context.fillRect(x(value), MARK_HEIGHT, 1, base - MARK_HEIGHT);
      if (at - context.measureText(label).width / 2 < right) continue;
      context.fillStyle = color("faint");
      context.fillText(label, at, height - 5);
      right = at + context.measureText(label).width / 2 + 8;
    }
    this.#bars(context, ttl, color("sets"), base, step, 0.85);
    this.#bars(context, evictions, color("misses"), base, step, 0.6);
    context.fillStyle = color("line");
    context.fillRect(0, base, width, 1);
    this.#markers(context, oldest, x, base);
  }

  /**
   * How old each queue's oldest slab is: what is in it would leave next. Names give way to each
   * other.
   */
  #markers(context, oldest, x, base) {
    const marks = oldest
      .map((age, queue) => ({ at: x(age), age, name: QUEUES[queue] }))
      .filter(({ age }) => age > 0)
      .sort((a, b) => a.at - b.at);
    context.textAlign = "left";
    let free = 0;
    for (const { at, name } of marks) {
      context.strokeStyle = color(name);
      context.fillStyle = color("muted");
      context.setLineDash([2, 3]);
      context.beginPath();
      context.moveTo(at, MARK_HEIGHT - 2);
      context.lineTo(at, base);
      context.stroke();
      context.setLineDash([]);
      const left = Math.max(free, at - context.measureText(name).width / 2);
      context.fillText(name, left, 10);
      free = left + context.measureText(name).width + 6;
    }
  }

  #bars(context, rows, fill, base, step, share) {
    const most = Math.max(...rows);
    if (most <= 0) return;
    context.fillStyle = fill;
    context.globalAlpha = 0.82;
    const room = base - MARK_HEIGHT - 12;
    rows.forEach((value, row) => {
      if (value <= 0) return;
      const size = Math.max(2, Math.sqrt(value / most) * room);
      const width = step * share;
      context.beginPath();
      context.roundRect(row * step + (step - width) / 2, base - size, width, size, [2, 2, 0, 0]);
      context.fill();
    });
    context.globalAlpha = 1;
  }
}

/** `evicted` is the same figure the sentence on top tells: the mean of the last minute. */
function sentence({ ttl, evicted, evictions, oldest }) {
  const asked = quantile(ttl, 0.5);
  const old = Math.max(...oldest);
  if (evicted <= 0) {
    if (old <= 0) return "Nothing is stored yet.";
    const ever = evictions.some((count) => count > 0) ? " in the last minute" : "";
    return `Nothing was evicted${ever}; the oldest slab is ${seconds(old)} old.`;
  }
  const left = `evicted ${seconds(evicted)} after their last use (last minute)`;
  if (asked > evicted * 2) {
    return `Clients ask for ${roughly(asked)}, but items are ${left}: memory is smaller than the lifetimes.`;
  }
  return `Items are ${left}${asked > 0 ? `; half of the TTLs are below ${roughly(asked)}` : ""}.`;
}

const CAUSES = [
  ["neverStored", "nobody stores"],
  ["evicted", "evicted"],
  ["expired", "expired"],
  ["flushed", "flushed"],
  ["other", "first reads, deleted or unknown"],
];

function whyMissed(misses) {
  const parts = CAUSES.filter(([name]) => misses[name] >= 0.05).map(
    ([name, words]) => `${count(misses[name])} ${words}`,
  );
  return parts.length === 0 ? "" : `Misses a second, last minute: ${parts.join(", ")}.`;
}

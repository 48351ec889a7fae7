/** The health sentence and the six tiles below it. */
import { byId, color, el, sparkline } from "./dom.js";
import { bytes, count, micros, percent, seconds } from "./format.js";

const TILES = [
  {
    label: "Requests a second",
    value: ({ rates }) => count(total(rates)),
    detail: ({ rates }) => `${bytes(rates.bytesOut)}/s out`,
    series: [
      "rate.hits",
      "rate.misses",
      "rate.sets",
      "rate.deletes",
      "rate.arithmetic",
      "rate.touches",
    ],
    swatch: "sets",
  },
  {
    label: "Hit ratio",
    value: (frame) => (reads(frame) > 0 ? percent(frame.hitRatio) : "–"),
    detail: (frame) => `${count(reads(frame))} reads/s`,
    series: ["gauge.hitRatio"],
    max: 1,
    swatch: "hits",
  },
  {
    label: "Latency, p99",
    value: ({ latency }) => micros(latency.p99),
    detail: ({ latency }) => `p50 ${micros(latency.p50)}`,
    series: ["latency.p99"],
    swatch: "notice",
  },
  {
    label: "Item memory",
    value: ({ memory }) => percent(Math.min(1, (memory.items + memory.dead) / memory.limit)),
    detail: ({ memory }) => `of ${bytes(memory.limit)}`,
    series: ["gauge.bytes"],
    swatch: "large",
  },
  {
    label: "Items",
    value: (frame) => count(frame.items),
    detail: ({ items, ages }) =>
      items > 0 ? `oldest ${seconds(Math.max(...ages.oldest))}` : "empty",
    series: ["gauge.items"],
    swatch: "touches",
  },
  {
    label: "Evictions a second",
    value: ({ rates }) => count(rates.evictions),
    detail: ({ rates, ages }) =>
      rates.evictions > 0
        ? `unused for ${seconds(ages.evicted)}`
        : `${count(rates.expired)}/s expired`,
    series: ["rate.evictions"],
    swatch: "deletes",
  },
];
const SPARK_ROWS = 120;

/** Requests a second of all kinds. */
function total(rates) {
  const { hits, misses, sets, deletes, arithmetic, touches } = rates;
  return hits + misses + sets + deletes + arithmetic + touches;
}

function reads({ rates }) {
  return rates.hits + rates.misses;
}

export class Health {
  #tiles;
  #said = "";

  constructor() {
    this.#tiles = TILES.map(({ label }) => {
      const number = document.createTextNode("–");
      const detail = el("small");
      const canvas = el("canvas", { ariaHidden: "true" });
      const tile = el("dl", { class: "tile" }, el("dt", {}, label));
      tile.append(el("dd", {}, number, " ", detail), canvas);
      byId("tiles").append(tile);
      return { number, detail, canvas };
    });
  }

  update(frame, timeline) {
    this.#say(frame.health);
    TILES.forEach((tile, index) => {
      const { number, detail, canvas } = this.#tiles[index];
      number.data = tile.value(frame);
      detail.textContent = tile.detail(frame);
      const columns = tile.series.map((name) => timeline.recent(name, SPARK_ROWS));
      const sums = columns[0].map((_, row) =>
        columns.reduce((sum, each) => sum + (each[row] ?? 0), 0),
      );
      sparkline(canvas, sums, color(tile.swatch), tile.max ?? 0);
    });
  }

  /** While nothing comes from the node. */
  lost() {
    this.#said = "";
    byId("health").dataset.level = "off";
    byId("sentence").textContent = "The node does not answer. Trying again…";
    byId("cause").hidden = true;
  }

  /** Written only when it changed, so that a screen reader is not told every second. */
  #say({ level, sentence, cause }) {
    byId("health").dataset.level = level;
    const text = level + sentence + cause;
    if (text === this.#said) return;
    this.#said = text;
    const colon = sentence.indexOf(":");
    const words = el("span", {}, el("b", {}, sentence.slice(0, colon)), sentence.slice(colon));
    byId("sentence").replaceChildren(words);
    byId("cause").textContent = cause;
    byId("cause").hidden = cause === "";
    document.title = `${sentence.slice(0, colon)} · shardcached`;
  }
}

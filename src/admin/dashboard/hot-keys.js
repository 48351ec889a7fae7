/** Hot keys: what the node's sketches say, with a sparkline of the last two minutes for each. */
import { byId, color, el, sparkline } from "./dom.js";
import { ago, bytes, count, percent } from "./format.js";
import { Table, text } from "./table.js";

const RATE = {
  requests: ["req/s", count],
  bytes: ["bytes/s", (value) => `${bytes(value)}/s`],
  misses: ["misses/s", count],
  largest: ["size", bytes],
  prefixes: ["req/s", count],
};

const READS_AND_WRITES = ["hits", "sets", "deletes", "arithmetic", "touches"].map(
  (name) => `rate.${name}`,
);
/** As memory/sketch.ts: half is forgotten after 30 seconds. */
const FADE = 2 ** (-1 / 30);

function faded(rates) {
  return rates.reduce((sum, rate) => sum * FADE + rate * (1 - FADE), rates[0] ?? 0);
}

export class HotKeys {
  #by = "";
  #table = null;
  #open;
  #totals = { requests: 0, misses: 0 };
  /** The first row's rate: its bar is full, the others' are in proportion. */
  #first = 0;

  /** `open` shows a key in the browser below. */
  constructor(open) {
    this.#open = open;
  }

  /** All requests and misses a second, faded as the sketches fade theirs, for shares. */
  setTotals(timeline) {
    const misses = faded(timeline.recent("rate.misses"));
    const others = READS_AND_WRITES.map((name) => faded(timeline.recent(name)));
    this.#totals = { misses, requests: others.reduce((sum, each) => sum + each, misses) };
  }

  update({ by, keys }) {
    if (by !== this.#by) this.#build(by);
    this.#first = keys[0]?.rate ?? 0;
    this.#table.show(keys, by !== "prefixes");
    const place = byId("hot");
    if (keys.length === 0 && place.tBodies[0].children.length === 0) {
      const none = by === "misses" ? "No key is missed." : "No requests yet.";
      const cell = el("td", { class: "empty", colSpan: 5 }, none);
      const row = el("tr", {}, cell);
      row.dataset.id = "";
      place.tBodies[0].replaceChildren(row);
    } else if (keys.length > 0) place.querySelector("td.empty")?.parentElement.remove();
  }

  #build(by) {
    this.#by = by;
    const [label, format] = RATE[by];
    const share = (row) => {
      const all = by === "misses" ? this.#totals.misses : this.#totals.requests;
      return all > 0 ? Math.min(1, row.rate / all) : 0;
    };
    const columns = [
      {
        label: by === "prefixes" ? "Prefix" : "Key",
        cell: (row, td) => {
          text(td, row.text, "key");
          td.title = row.text;
        },
      },
      { label, cell: (row, td) => text(td, format(row.rate)) },
      by === "bytes" || by === "largest"
        ? { label: "req/s", cell: (row, td) => text(td, count(row.requests), "dim") }
        : {
            label: "share",
            title: by === "misses" ? "Of all misses" : "Of all requests",
            cell: (row, td) => this.#meter(td, share(row), row.rate / this.#first),
          },
      by === "prefixes"
        ? { label: "bytes/s", cell: (row, td) => text(td, bytes(row.bytes), "dim") }
        : by === "largest"
          ? { label: "seen", cell: (row, td) => text(td, ago(row.seenAgo), "dim") }
          : {
              label: "size",
              title: "Of its value, as read or set last",
              minor: true,
              cell: (row, td) =>
                text(td, row.valueBytes === null ? "–" : bytes(row.valueBytes), "dim"),
            },
    ];
    // A size does not come and go as a rate does.
    if (by !== "largest") {
      columns.push({ label: "2 min", minor: true, cell: (row, td) => this.#spark(row, td) });
    }
    const open =
      by === "prefixes" ? (row) => this.#open(row, true) : (row) => this.#open(row, false);
    this.#table = new Table(byId("hot"), columns, open);
  }

  /** The share in figures, and a bar as long as the row is heavy beside the first. */
  #meter(td, share, length) {
    if (td.firstChild === null)
      td.append(document.createTextNode(""), el("span", { class: "meter" }, el("i")));
    td.firstChild.data = percent(share);
    td.querySelector("i").style.width = `${Math.min(100, length * 100)}%`;
  }

  #spark(row, td) {
    if (td.firstChild === null) td.append(el("canvas"));
    sparkline(td.firstChild, row.spark, color("sets"));
  }
}

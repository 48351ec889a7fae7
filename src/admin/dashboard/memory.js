/** The memory truth bar: parts that add up to the process's resident memory. */
import { byId, color, el } from "./dom.js";
import { bytes, percent } from "./format.js";

const PARTS = [
  ["items", "Items", "main"],
  ["dead", "Overwritten and deleted", "misses"],
  ["free", "Free slabs, used before", "touches"],
  ["index", "Index", "sets"],
  ["ghost", "Ghosts of evicted keys", "arithmetic"],
  ["heap", "The primary's V8 heap", "deletes"],
  ["other", "Code, workers, buffers", "faint"],
];

export class Memory {
  #bars = [];
  #rows = [];

  constructor() {
    for (const [, label, swatch] of PARTS) {
      const bar = el("i", { swatch: color(swatch), title: label });
      byId("memory-bar").append(bar);
      this.#bars.push(bar);
      const size = el("dd");
      const share = el("dd", { class: "share" });
      const mark = el("i", { swatch: color(swatch) });
      byId("memory-parts").append(el("dt", {}, mark, el("span", {}, label)), size, share);
      this.#rows.push({ size, share, mark });
    }
  }

  update({ memory }) {
    const { rss, cgroupLimit, limit } = memory;
    const container = cgroupLimit > 0 ? ` of the container's ${bytes(cgroupLimit)}` : "";
    byId("memory-note").textContent = `${bytes(rss)} resident${container}`;
    PARTS.forEach(([name], index) => {
      const value = memory[name];
      this.#bars[index].style.flexGrow = String(value / rss);
      this.#rows[index].size.textContent = bytes(value);
      this.#rows[index].share.textContent = percent(value / rss);
    });
    const text = `Items take ${bytes(memory.items)} of ${bytes(limit)}; resident ${bytes(rss)}`;
    byId("memory-bar").setAttribute("aria-label", text);
  }

  restyle() {
    PARTS.forEach(([, , swatch], index) => {
      this.#bars[index].style.setProperty("--swatch", color(swatch));
      this.#rows[index].mark.style.setProperty("--swatch", color(swatch));
    });
  }
}

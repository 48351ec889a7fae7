/**
 * Worker lanes: one a worker; what share of a core it uses, now and in the last two minutes, and what it holds.
 */
import { byId, color, el, fitCanvas } from "./dom.js";
import { count, micros, percent } from "./format.js";

const ROWS = 120;
const WARM = 0.7;
const HOT = 0.92;
/** So many lanes have room to be tall. */
const FEW_LANES = 3;

export class Workers {
  #lanes = new Map();
  #past = new Map();

  /** What was before the page was opened. */
  remember(workers) {
    for (const { id, busyPast } of workers) this.#past.set(id, busyPast);
  }

  update(frame) {
    const { workers } = frame;
    const threads = workers.length;
    const cpu = frame.cpu.toFixed(2);
    byId("workers").classList.toggle("few", threads <= FEW_LANES);
    byId("workers-note").textContent = `${cpu} cores in use`;
    for (const worker of workers) this.#show(worker, threads);
  }

  restyle() {
    for (const lane of this.#lanes.values()) this.#draw(lane);
  }

  #show(worker, threads) {
    let lane = this.#lanes.get(worker.id);
    if (lane === undefined) {
      lane = this.#build(worker);
      this.#lanes.set(worker.id, lane);
    }
    lane.past.push(worker.busy);
    if (lane.past.length > ROWS) lane.past.shift();
    lane.share.textContent = percent(worker.busy, 0);
    const facts = [
      `${count(worker.requests)}/s`,
      worker.turns > 0 ? `${micros(worker.turnMicroseconds)}/turn` : "asleep",
      `${count(worker.connections)} ${worker.connections === 1 ? "conn" : "conns"}`,
      `${count(worker.items)} items`,
    ];
    const { sent, served, onLoan } = worker;
    if (threads > 1) facts.push(...crossings({ "↗": sent, "↙": served, "⟲": onLoan }));
    lane.facts.title = `${count(sent)} requests a second sent to other workers' shards, ${count(served)} served for them, ${count(onLoan)} done in their shards while they slept`;
    lane.facts.replaceChildren(...facts.map((fact) => el("span", {}, fact)));
    this.#draw(lane);
  }

  #build({ id, isPrimary }) {
    const canvas = el("canvas");
    const share = el("span", { class: "share" });
    const facts = el("div", { class: "facts" });
    const lane = el("div", { class: "lane" });
    lane.append(
      el(
        "span",
        { class: "id", title: isPrimary ? "the primary" : "" },
        isPrimary ? "P" : String(id),
      ),
      el("div", { class: "busy" }, canvas),
      share,
      facts,
    );
    byId("workers").append(lane);
    return { canvas, share, facts, past: [...(this.#past.get(id) ?? [])] };
  }

  #draw({ canvas, past }) {
    const { context, width, height } = fitCanvas(canvas);
    const step = width / ROWS;
    past.forEach((busy, index) => {
      const x = width - (past.length - index) * step;
      context.fillStyle = color(busy > HOT ? "bad" : busy > WARM ? "notice" : "hits");
      context.globalAlpha = 0.35 + 0.65 * (index / past.length);
      context.fillRect(x, height - busy * height, step + 0.5, busy * height);
    });
    context.globalAlpha = 1;
  }
}

/** What crossed between workers, of each kind that did. */
function crossings(kinds) {
  const crossed = Object.entries(kinds).filter(([, perSecond]) => perSecond >= 0.5);
  return crossed.map(([sign, perSecond]) => `${sign}${count(Math.round(perSecond))}`);
}

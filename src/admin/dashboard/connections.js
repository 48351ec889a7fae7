/**
 * Connections: who is connected, the busiest first. Asked for every few seconds while the card is
 * on the screen.
 */
import { fetchJson } from "./api.js";
import { byId } from "./dom.js";
import { bytes, count, seconds } from "./format.js";
import { Table, text } from "./table.js";

const REFRESH_MILLISECONDS = 5000;
/** Between the first two looks: without two, nobody knows a rate. */
const FIRST_MILLISECONDS = 1000;
const SHOWN_MAX = 100;
const STATES = {
  conn_read: "waiting",
  conn_parse_cmd: "asking",
  conn_nread: "receiving",
  conn_swallow: "discarding",
  conn_mwrite: "reads slowly",
  conn_io_queue: "waiting for a shard",
  conn_io_pending: "waiting for room",
  conn_new_cmd: "takes turns",
  conn_watch: "watching",
  conn_closing: "closing",
};

export class Connections {
  #table;
  #visible = false;
  #before = new Map();

  constructor() {
    this.#table = new Table(byId("connections"), [
      {
        label: "Client",
        cell: (row, td) => {
          text(td, row.address.replace(/^tcp6?:/, ""), "mono");
          td.title = `${row.address} by ${row.listener}, descriptor ${row.descriptor}`;
        },
      },
      { label: "worker", minor: true, cell: (row, td) => text(td, String(row.thread), "dim") },
      { label: "req/s", cell: (row, td) => text(td, row.rate === null ? "–" : count(row.rate)) },
      { label: "in", minor: true, cell: (row, td) => text(td, bytes(row.bytesIn), "dim") },
      { label: "out", minor: true, cell: (row, td) => text(td, bytes(row.bytesOut), "dim") },
      { label: "idle", cell: (row, td) => text(td, seconds(row.idleSeconds), "dim") },
      { label: "open", minor: true, cell: (row, td) => text(td, seconds(row.ageSeconds), "dim") },
      { label: "state", cell: (row, td) => text(td, STATES[row.state] ?? row.state, "dim") },
    ]);
    void this.#refresh();
    setTimeout(() => void this.#refresh(), FIRST_MILLISECONDS);
    new IntersectionObserver(([entry]) => {
      this.#visible = entry.isIntersecting;
      if (this.#visible) void this.#refresh();
    }).observe(byId("connections").closest("section"));
    setInterval(() => {
      if (this.#visible && !document.hidden) void this.#refresh();
    }, REFRESH_MILLISECONDS);
  }

  async #refresh() {
    const answer = await fetchJson("api/v1/connections").catch(() => null);
    if (answer === null) return;
    const { open, max, listeners, connections } = answer;
    byId("connections-note").textContent =
      `${open} of ${max}${listeners.length > 0 ? ` on ${listeners.join(", ")}` : ""}`;
    const now = performance.now();
    const rows = connections.map((row) => {
      const id = `${row.thread}.${row.slot}.${row.address}`;
      const before = this.#before.get(id);
      const rate =
        before === undefined
          ? null
          : Math.max(0, (row.requests - before.requests) / ((now - before.at) / 1000));
      return { ...row, id, rate };
    });
    this.#before = new Map(rows.map(({ id, requests }) => [id, { requests, at: now }]));
    rows.sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0) || b.requests - a.requests);
    this.#table.show(rows.slice(0, SHOWN_MAX));
    byId("connections-none").hidden = rows.length > 0;
  }
}

/**
 * The key browser: pages through the keys with a prefix; shows, and with the token changes, one of
 * them.
 */
import { currentSession, fetchJson, onSession } from "./api.js";
import { byId, el } from "./dom.js";
import { bytes, count, percent, seconds } from "./format.js";
import { Table, text } from "./table.js";
import { decodeBase64, viewsOf } from "./values.js";

const PAGE_KEYS = 100;
/** Pages asked for in a row while few keys match. */
const PAGES_MAX = 20;
const WAIT_MILLISECONDS = 250;

export class Keys {
  #table;
  #rows = [];
  #cursor = "";
  #asked = 0;
  #waiting = 0;
  #confirm;

  /** `confirm(title, text, verb)` resolves to true when the person agrees. */
  constructor(confirm) {
    this.#confirm = confirm;
    this.#table = new Table(
      byId("keys-list"),
      [
        {
          label: "Key",
          cell: (row, td) => {
            text(td, row.text, "key");
            td.title = row.text;
          },
        },
        { label: "value", cell: (row, td) => text(td, bytes(row.valueBytes)) },
        {
          label: "TTL left",
          cell: (row, td) => text(td, row.ttl < 0 ? "for ever" : seconds(row.ttl), "dim"),
        },
        {
          label: "last use",
          minor: true,
          cell: (row, td) => text(td, `${seconds(row.accessedAgo)}`, "dim"),
        },
        { label: "queue", minor: true, cell: (row, td) => text(td, row.queue, "dim") },
        { label: "shard", minor: true, cell: (row, td) => text(td, String(row.shard), "dim") },
      ],
      (row) => this.open(row),
    );
    byId("keys-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.search();
    });
    byId("keys-prefix").addEventListener("input", () => {
      clearTimeout(this.#waiting);
      this.#waiting = setTimeout(() => void this.search(), WAIT_MILLISECONDS);
    });
    byId("keys-more").addEventListener("click", () => void this.#page(this.#asked));
    byId("flush").addEventListener("click", () => void this.#flush());
    onSession(({ mayChange }) => {
      byId("flush").hidden = !mayChange;
    });
  }

  async search(prefix) {
    if (prefix !== undefined) byId("keys-prefix").value = prefix;
    this.#asked++;
    this.#rows = [];
    this.#cursor = "";
    this.#table.show([]);
    await this.#page(this.#asked);
  }

  /** Shows one key's value. */
  async open(row) {
    const { id, text: name } = row;
    this.#table.select(id);
    const place = byId("item");
    try {
      place.replaceChildren(...this.#item(await fetchJson(`api/v1/keys/${id}`)));
    } catch (error) {
      const problem = error.status === 404 ? whyAbsent(row) : error.message;
      place.replaceChildren(
        el("h3", { class: "mono" }, name),
        el("p", { class: "problem" }, problem),
      );
    }
  }

  async #page(asked) {
    const prefix = byId("keys-prefix").value;
    const note = byId("keys-note");
    byId("keys-more").hidden = true;
    const wanted = this.#rows.length + PAGE_KEYS;
    try {
      for (let page = 0; page < PAGES_MAX && this.#rows.length < wanted; page++) {
        const query = new URLSearchParams({
          prefix,
          cursor: this.#cursor,
          limit: String(PAGE_KEYS),
        });
        const answer = await fetchJson(`api/v1/keys?${query}`);
        if (asked !== this.#asked) return;
        this.#rows.push(...answer.keys);
        this.#cursor = answer.cursor;
        const unique = new Map(this.#rows.map((row) => [row.id, row]));
        this.#table.show([...unique.values()], true);
        const walked =
          answer.cursor === "" ? "all looked at" : `${percent(answer.progress, 0)} looked at`;
        const noun = unique.size === 1 ? "key" : "keys";
        note.textContent = `${count(unique.size)} ${noun}, ${walked}`;
        if (answer.cursor === "") break;
      }
      byId("keys-more").hidden = this.#cursor === "";
      if (this.#rows.length === 0 && this.#cursor === "")
        note.textContent = prefix === "" ? "Nothing is stored." : "No key begins like this.";
    } catch (error) {
      if (asked === this.#asked) note.textContent = error.message;
    }
  }

  #item(item) {
    const value = decodeBase64(item.value);
    const views = viewsOf(value);
    const pre = el("pre", { tabIndex: 0 });
    const buttons = views.map(([name, content], index) => {
      const button = el("button", { type: "button", class: "quiet" }, name);
      button.addEventListener("click", () => {
        pre.textContent = content;
        pre.className = name === "Hex" ? "hex" : "";
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      });
      if (index === 0) queueMicrotask(() => button.click());
      return button;
    });
    const tools = el("div", { class: "tools" }, ...buttons);
    if (currentSession().mayChange) {
      const remove = el("button", { type: "button", class: "danger" }, "Delete");
      remove.addEventListener("click", () => void this.#delete(item));
      tools.append(remove);
    }
    const facts = [
      ["value", bytes(item.valueBytes)],
      ["expires", item.ttl < 0 ? "never" : `in ${seconds(item.ttl)}`],
      ["last use", `${seconds(item.accessedAgo)}${item.fetched ? "" : ", never read"}`],
      ["client flags", String(item.clientFlags)],
      ["CAS", item.cas],
    ];
    const list = el("dl", { class: "facts" });
    for (const [name, fact] of facts)
      list.append(el("div", {}, el("dt", {}, name), el("dd", {}, fact)));
    const parts = [el("h3", { class: "mono" }, item.text), list, tools, pre];
    if (item.truncated) parts.push(el("p", { class: "note" }, "Only the first 64 KiB are shown."));
    return parts;
  }

  async #delete(item) {
    if (!(await this.#confirm("Delete this key?", item.text, "Delete"))) return;
    try {
      await fetchJson(`api/v1/keys/${item.id}`, { method: "DELETE" });
      byId("item").replaceChildren(el("p", { class: "empty" }, `Deleted ${item.text}`));
      this.#rows = this.#rows.filter((row) => row.id !== item.id);
      this.#table.show(this.#rows, true);
    } catch (error) {
      byId("item").append(el("p", { class: "problem" }, error.message));
    }
  }

  async #flush() {
    const sure =
      "Every item is forgotten at once, and every client misses until it has been stored again.";
    if (!(await this.#confirm("Flush the whole node?", sure, "Flush all"))) return;
    try {
      await fetchJson("api/v1/flush", { method: "POST" });
      await this.search();
    } catch (error) {
      byId("keys-note").textContent = error.message;
    }
  }
}

/** A row of the hot keys may name a key that was never there; one of the browser's list was. */
function whyAbsent({ neverStored, writes, valueBytes, misses }) {
  if (neverStored) return `Nobody stores this key: ${count(misses)} reads a second miss it.`;
  if (writes === 0 && valueBytes === null) return "There is no such key.";
  return "It is not there now: it has expired, or was deleted, evicted or flushed.";
}

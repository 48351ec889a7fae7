/**
 * Tables whose rows stay in place while their numbers change, and can be walked with the arrow
 * keys.
 */
import { el } from "./dom.js";

export class Table {
  #body;
  #columns;
  #rows = new Map();

  /**
   * `columns`: { label, title?, minor?, cell(row, td) }, minor ones give way on narrow screens;
   * `open(row)` when a row is chosen.
   */
  constructor(table, columns, open) {
    this.#columns = columns;
    this.#body = el("tbody");
    const heads = columns.map(({ label, title, minor }) => {
      const th = el("th", { scope: "col", title: title ?? "" }, label);
      th.toggleAttribute("data-minor", minor === true);
      return th;
    });
    table.replaceChildren(el("thead", {}, el("tr", {}, ...heads)), this.#body);
    if (open === undefined) return;
    this.#body.addEventListener("click", (event) => this.#choose(event.target, open));
    this.#body.addEventListener("keydown", (event) => this.#key(event, open));
  }

  /** Shows `rows` in this order; `id` names them. */
  show(rows, openable = false) {
    const next = new Map();
    for (const row of rows) {
      const known = this.#rows.get(row.id) ?? this.#build(row.id, openable);
      known.row = row;
      this.#columns.forEach(({ cell }, index) => {
        cell(row, known.cells[index]);
      });
      next.set(row.id, known);
    }
    for (const [id, { tr }] of this.#rows) if (!next.has(id)) tr.remove();
    this.#rows = next;
    let at = this.#body.firstElementChild;
    for (const { tr } of next.values()) {
      if (tr === at) at = at.nextElementSibling;
      else this.#body.insertBefore(tr, at);
    }
  }

  /** Marks the row that is shown elsewhere. */
  select(id) {
    for (const [each, { tr }] of this.#rows) tr.setAttribute("aria-selected", String(each === id));
  }

  #build(id, openable) {
    const cells = this.#columns.map(({ minor }) => {
      const td = el("td");
      td.toggleAttribute("data-minor", minor === true);
      return td;
    });
    const tr = el("tr", {}, ...cells);
    tr.dataset.id = id;
    if (openable) tr.tabIndex = 0;
    return { tr, cells, row: null };
  }

  #choose(target, open) {
    const tr = target.closest("tr");
    const known = tr === null ? undefined : this.#rows.get(tr.dataset.id);
    if (known !== undefined) open(known.row);
  }

  #key(event, open) {
    const tr = event.target.closest("tr");
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (step !== undefined) {
      tr?.[step]?.focus();
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      this.#choose(event.target, open);
      event.preventDefault();
    }
  }
}

/** Writes text into a cell, only when it changed. */
export function text(td, value, className = "") {
  if (td.textContent !== value) td.textContent = value;
  if (td.className !== className) td.className = className;
}

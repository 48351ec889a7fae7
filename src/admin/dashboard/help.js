/** What each card shows, in a few sentences, behind a "?" of its own. */
import { byId, el } from "./dom.js";

const CARDS = {
  throughput:
    "Commands answered a second. Reads are split into hits, which found their key, and misses. Dashed lines are flushes.",
  workers:
    "A worker is a thread that owns a part of the keys and serves some of the connections. The lane is the share of a core it used. ↗ are requests it sent to other workers, ↙ those it served for them, ⟲ those it did in a sleeping worker's part itself.",
  latency:
    "From the moment the server saw a request's bytes to the moment its reply was written; the network and the client are not in it. The darker a cell, the more requests took that long. p99: one request in a hundred took longer.",
  ages: "How long clients want items to live (their TTLs), against how long they were unused when they were evicted. Evictions far left of the TTLs: memory, not the TTL, decides.",
  slabs:
    "Memory is written in slabs of one size. Small: items that are new. Main: items that were read again. Large: values of more than a slab. A slab is evicted whole, and the items in it that were read are kept. Ghosts are remembered keys of evicted items: when one is stored again at once, more memory would have kept it.",
  memory:
    "What the operating system says the process has, in parts. Overwritten and deleted items take room until their slab is rewritten. What is neither items nor index is code, the workers' heaps, and buffers of connections.",
  hot: "The keys that are asked for most, from a sample of requests; rates fade over half a minute, sizes do not. Misses: a key that nobody ever stores is listed there too.",
  connections: "Who is connected, what they have asked for and how much they have not read yet.",
  keys: "Keys by their beginning, and their values. Looking does not count as an access. Changes need the token.",
};

/** Gives each card its "?". */
export function explainCards() {
  for (const [card, words] of Object.entries(CARDS)) {
    const title = byId(`${card}-title`);
    const text = el("p", { class: "what", id: `${card}-what`, hidden: true }, words);
    const button = el("button", { type: "button", class: "quiet asks" }, "?");
    button.setAttribute("aria-label", `What is "${title.textContent}"?`);
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", text.id);
    button.addEventListener("click", () => {
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", String(!text.hidden));
    });
    title.after(button);
    title.parentElement.after(text);
  }
}

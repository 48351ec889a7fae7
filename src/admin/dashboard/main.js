/**
 * The page: puts the panels together, feeds them from the live stream, and listens to the keyboard.
 */
import { Ages } from "./ages.js";
import {
  ApiError,
  currentSession,
  fetchJson,
  Live,
  loadSession,
  login,
  logout,
  onSession,
} from "./api.js";
import { Connections } from "./connections.js";
import { byId, el, segments } from "./dom.js";
import { seconds } from "./format.js";
import { Health } from "./health.js";
import { explainCards } from "./help.js";
import { HotKeys } from "./hot-keys.js";
import { Keys } from "./keys.js";
import { Latency } from "./latency.js";
import { Memory } from "./memory.js";
import { Slabs } from "./slabs.js";
import { Throughput } from "./throughput.js";
import { Timeline } from "./timeline.js";
import { Welcome } from "./welcome.js";
import { Workers } from "./workers.js";

const RANGE_SECONDS = { "5m": 300, "24h": 86_400 };
/** A node that has just started shows what there is, on an axis of at least this. */
const RANGE_SECONDS_MIN = 60;
const THEME_KEY = "shardcached.theme";

applyTheme(localStorage.getItem(THEME_KEY) ?? "");
const health = new Health();
const throughput = new Throughput();
const latency = new Latency();
const workers = new Workers();
const memory = new Memory();
const ages = new Ages();
const slabs = new Slabs();
const keys = new Keys(confirmed);
const hotKeys = new HotKeys(openKey);
const timeline = new Timeline(drawCharts);
const panels = [throughput, latency, workers, memory, ages, slabs];
const welcome = new Welcome();
new Connections();
explainCards();

let lastTime = Date.now() / 1000;
let by = "requests";
let fresh = true;
let names = [location.host];

const live = new Live({
  state: (open) => {
    if (!open) health.lost();
    else if (!fresh) void timeline.load();
    fresh = false;
  },
  frame: showFrame,
  slabs: (map) => slabs.update(map),
  hotkeys: (list) => hotKeys.update(list),
});

function showFrame(frame) {
  lastTime = frame.time;
  timeline.add(frame);
  health.update(frame, timeline);
  workers.update(frame);
  memory.update(frame);
  ages.update(frame);
  slabs.queues(frame);
  hotKeys.setTotals(timeline);
  welcome.update(frame);
  const threads = frame.workers.filter(({ isPrimary }) => !isPrimary).length;
  const plural = threads === 1 ? "worker" : "workers";
  const facts = [...names, `${threads} ${plural}`, `up ${seconds(frame.uptime)}`];
  byId("node").replaceChildren(...facts.map((fact) => el("span", {}, fact)));
}

/** Which node this is: its machine, and where the cache listens. */
async function introduce() {
  const { hostname, addresses, version, runtime, protocol } = await fetchJson("api/v1/node");
  names = [hostname, `cache at ${addresses.join(", ")}`];
  byId("about").textContent =
    `shardcached ${version}, which speaks memcached ${protocol}, on Node.js ${runtime}.`;
  welcome.setAddresses(addresses);
}

function drawCharts() {
  const table = timeline.table();
  const end = Math.max(lastTime, table.times.at(-1) ?? 0);
  const first = table.times[0] ?? end;
  const shown = Math.min(RANGE_SECONDS[timeline.range], Math.max(RANGE_SECONDS_MIN, end - first));
  const range = { min: end - shown, max: end };
  throughput.update(table, range);
  latency.update(table, range);
}

function applyTheme(theme) {
  const dark =
    theme === "" ? window.matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function toggleTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem(THEME_KEY, theme);
  applyTheme(theme);
  restyle();
}

function restyle() {
  for (const panel of panels) panel.restyle();
  drawCharts();
}

function openKey(row, isPrefix) {
  byId("keys").scrollIntoView({ behavior: "smooth", block: "start" });
  if (isPrefix) void keys.search(row.text);
  else void keys.open(row);
}

/** Asks before something is lost; `verb` is what its button says. */
function confirmed(title, text, verb) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = verb;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function askForToken() {
  byId("login-problem").textContent = "";
  byId("login-text").textContent = whatTokenIsFor();
  byId("login").showModal();
}

function whatTokenIsFor() {
  const { mayRead, tokenSet, protection } = currentSession();
  const closed = mayRead ? "" : protection === "" ? "" : `The cache is protected (${protection}). `;
  if (!tokenSet) {
    return `${closed}No token is set on this node: start it with --admin-token-file to allow ${mayRead ? "changes" : "looking"}.`;
  }
  return `${closed}${mayRead ? "Changes need" : "Looking needs"} the admin token.`;
}

async function tryLogin(event) {
  event.preventDefault();
  try {
    await login(byId("login-token").value);
    byId("login-token").value = "";
    byId("login").close();
    await start();
  } catch (error) {
    byId("login-problem").textContent =
      error instanceof ApiError ? error.message : "The node does not answer.";
  }
}

const rangeChoice = segments(byId("range"), (range) => void timeline.show(range));
const hotChoice = segments(byId("hot-by"), (list) => {
  by = list;
  live.open(by);
  void fetchJson(`api/v1/hotkeys?by=${by}`).then((answer) => hotKeys.update(answer));
});

byId("theme").addEventListener("click", toggleTheme);
byId("help").addEventListener("click", () => byId("keys-help").showModal());
byId("sign").addEventListener("click", () =>
  currentSession().mayChange ? void logout() : askForToken(),
);
byId("login-form").addEventListener("submit", (event) => void tryLogin(event));
byId("login-cancel").addEventListener("click", () => byId("login").close());
onSession(({ mayChange }) => {
  byId("sign").textContent = mayChange ? "Sign out" : "Sign in";
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (localStorage.getItem(THEME_KEY) !== null) return;
  applyTheme("");
  restyle();
});

const SHORTCUTS = {
  "/": () => byId("keys-prefix").focus(),
  t: toggleTheme,
  r: () => rangeChoice.next(),
  h: () => hotChoice.next(),
  "?": () => byId("keys-help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.closest("input, textarea, dialog")
  )
    return;
  const action = SHORTCUTS[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
});

async function start() {
  const { mayRead } = await loadSession();
  if (!mayRead) {
    byId("sentence").textContent = "Sign in to look at this node.";
    askForToken();
    return;
  }
  await introduce();
  await timeline.load();
  hotKeys.update(await fetchJson("api/v1/hotkeys"));
  workers.remember(await fetchJson("api/v1/workers"));
  live.open(by);
  void keys.search();
}

start().catch(() => health.lost());

/** The admin API as the page uses it: JSON, the live stream, the session. */

let session = { mayRead: true, mayChange: false, tokenSet: false };
const watchers = new Set();

/** What this page may do now. */
export function currentSession() {
  return session;
}

/** Calls `watcher` whenever the session changes. */
export function onSession(watcher) {
  watchers.add(watcher);
  watcher(session);
}

function setSession(next) {
  session = { ...session, ...next };
  for (const watcher of watchers) watcher(session);
}

/** An answer that is an error. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Asks the API. Throws ApiError with the node's own words. */
export async function fetchJson(path, options = {}) {
  const headers = { "x-shardcached": "1" };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, { ...options, headers, credentials: "same-origin" });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    if (response.status === 401) void loadSession();
    throw new ApiError(response.status, answer.error ?? response.statusText);
  }
  return answer;
}

export async function loadSession() {
  const response = await fetch("api/v1/session");
  setSession(await response.json());
  return session;
}

export async function login(token) {
  const body = JSON.stringify({ token });
  setSession(await fetchJson("api/v1/login", { method: "POST", body }));
}

export async function logout() {
  await fetchJson("api/v1/logout", { method: "POST" });
  await loadSession();
}

/**
 * The live stream: reconnects by itself; `handlers` by event name, and `state` for true and false.
 */
export class Live {
  #source = null;
  #handlers;

  constructor(handlers) {
    this.#handlers = handlers;
  }

  open(by) {
    this.#source?.close();
    const source = new EventSource(`api/v1/live?by=${by}`);
    this.#source = source;
    source.addEventListener("open", () => this.#handlers.state(true));
    source.addEventListener("error", () => this.#handlers.state(false));
    for (const name of ["frame", "slabs", "hotkeys"]) {
      source.addEventListener(name, (event) => this.#handlers[name](JSON.parse(event.data)));
    }
  }
}

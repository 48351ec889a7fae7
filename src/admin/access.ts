/**
 * Access: who may do what over the admin port. Decided for every request before any route runs.
 *
 *   reads    on loopback       free
 *   reads    off loopback      token
 *   changes  anywhere          token
 *   /healthz /readyz           free: probes have no secrets
 *
 * A token comes as `Authorization: Bearer …`, or once to /api/v1/login, which answers with a
 * session cookie (HttpOnly, SameSite=Strict) for the page. Against other web pages in the
 * operator's browser: the Host header must name us (DNS rebinding), changes must carry
 * `X-Shardcached: 1` (a header no foreign form can send, and no CORS answer ever allows), and there
 * is no CORS.
 *
 * Guessing: tokens are compared in constant time over their hashes, and after `FAILURES_MAX`
 * failures in a minute every attempt is refused until the minute is over.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { ConfigError } from "../base/errors.ts";

export const TOKEN_ENVIRONMENT = "SHARDCACHED_ADMIN_TOKEN";
export const SESSION_COOKIE = "shardcached_session";
export const CHANGE_HEADER = "x-shardcached";
const TOKEN_LENGTH_MIN = 16;
const SESSION_MILLISECONDS = 12 * 3600 * 1000;
const SESSIONS_MAX = 64;
const FAILURES_MAX = 10;
const FAILURES_MILLISECONDS = 60_000;
const USAGE_EXIT = 64;

/** Where the admin port listens. */
export interface AdminAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `--admin-listen`: host:port, [v6]:port; null for "none". Throws ConfigError when it is
 * neither.
 */
export function parseAdminListen(text: string): AdminAddress | null {
  if (text === "none" || text === "") return null;
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || host === "") {
    throw new ConfigError(
      `--admin-listen: "${text}" is not host:port, [IPv6]:port or none`,
      USAGE_EXIT,
    );
  }
  return { host, port };
}

/** True for addresses only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * The token, from the environment or the first line of `file`; empty when there is none. Throws
 * ConfigError when the file cannot be read, or when the token is too short to be a secret.
 */
export function loadToken(file: string): string {
  let token = process.env[TOKEN_ENVIRONMENT] ?? "";
  if (token === "" && file !== "") {
    try {
      token = (readFileSync(file, "utf8").split(/\r?\n/, 1)[0] ?? "").trim();
    } catch (cause) {
      throw new ConfigError(`--admin-token-file: cannot read ${file}`, USAGE_EXIT, { cause });
    }
    if (token === "") throw new ConfigError(`--admin-token-file: ${file} is empty`, USAGE_EXIT);
  }
  if (token !== "" && token.length < TOKEN_LENGTH_MIN) {
    throw new ConfigError(
      `the admin token must have at least ${TOKEN_LENGTH_MIN} characters`,
      USAGE_EXIT,
    );
  }
  return token;
}

/** The answer to one request. */
export type Verdict =
  | "allowed"
  | "unauthorized"
  | "forbidden"
  | "no-token-set"
  | "too-many-failures";

export interface AccessParts {
  readonly address: AdminAddress;
  readonly token: string;
  /** --admin-hosts: further names the Host header may carry; "*" is any. */
  readonly hosts: readonly string[];
  /** Milliseconds; tests move it by hand. */
  readonly now: () => number;
}

export class Access {
  readonly loopback: boolean;
  readonly tokenSet: boolean;
  readonly #tokenHash: Buffer;
  readonly #hosts: ReadonlySet<string>;
  readonly #anyHost: boolean;
  readonly #now: () => number;
  readonly #sessions = new Map<string, number>();
  #failures = 0;
  #failuresSince = 0;

  constructor(parts: AccessParts) {
    this.loopback = isLoopback(parts.address.host);
    this.tokenSet = parts.token !== "";
    this.#tokenHash = hashOf(parts.token);
    this.#now = parts.now;
    this.#anyHost = parts.hosts.includes("*");
    const own = this.loopback ? [] : [hostname().toLowerCase()];
    this.#hosts = new Set([
      "localhost",
      parts.address.host.toLowerCase(),
      ...own,
      ...parts.hosts.map((host) => host.toLowerCase()),
    ]);
    if (!this.loopback && !this.tokenSet) {
      throw new ConfigError(
        `--admin-listen ${parts.address.host} can be reached from other machines, so a token is needed: ` +
          `set --admin-token-file or ${TOKEN_ENVIRONMENT}, or listen on 127.0.0.1`,
        USAGE_EXIT,
      );
    }
  }

  /** True when a Host header names this server: a known name, or any IP address. */
  isKnownHost(header: string | undefined): boolean {
    if (this.#anyHost) return true;
    if (header === undefined) return false;
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header);
    const host = (match?.[1] ?? match?.[2] ?? "").toLowerCase();
    if (isIP(host) !== 0) return !this.loopback || isLoopback(host);
    return this.#hosts.has(host);
  }

  /** Whether a request may read. */
  mayRead(authorization: string | undefined, cookie: string | undefined): Verdict {
    return this.loopback ? "allowed" : this.#authorized(authorization, cookie);
  }

  /** Whether a request may change something. `changeHeader` is its X-Shardcached header. */
  mayChange(
    authorization: string | undefined,
    cookie: string | undefined,
    changeHeader: string | undefined,
  ): Verdict {
    if (!this.tokenSet) return "no-token-set";
    const verdict = this.#authorized(authorization, cookie);
    if (verdict !== "allowed") return verdict;
    // A bearer token is proof of intent in itself; a cookie travels by itself, so it needs the
    // header.
    return authorization !== undefined || changeHeader === "1" ? "allowed" : "forbidden";
  }

  /** Starts a session for whoever has the token: the session's id, or null. */
  login(token: string): string | null {
    if (!this.tokenSet || this.#blocked() || !this.#isToken(token)) return null;
    const now = this.#now();
    for (const [id, ends] of this.#sessions) if (ends <= now) this.#sessions.delete(id);
    if (this.#sessions.size >= SESSIONS_MAX) {
      this.#sessions.delete(this.#sessions.keys().next().value as string);
    }
    const id = randomBytes(32).toString("base64url");
    this.#sessions.set(hashOf(id).toString("base64"), now + SESSION_MILLISECONDS);
    return id;
  }

  logout(cookie: string | undefined): void {
    const id = sessionId(cookie);
    if (id !== undefined) this.#sessions.delete(hashOf(id).toString("base64"));
  }

  /** True when the request carries a token or a session that holds. */
  isKnown(authorization: string | undefined, cookie: string | undefined): boolean {
    return this.tokenSet && this.#authorized(authorization, cookie) === "allowed";
  }

  /** True while too many have failed. */
  blocked(): boolean {
    return this.#blocked();
  }

  #authorized(authorization: string | undefined, cookie: string | undefined): Verdict {
    const id = sessionId(cookie);
    if (id !== undefined) {
      const ends = this.#sessions.get(hashOf(id).toString("base64"));
      if (ends !== undefined && ends > this.#now()) return "allowed";
    }
    if (authorization === undefined) return "unauthorized";
    if (this.#blocked()) return "too-many-failures";
    const match = /^Bearer\s+(\S+)$/i.exec(authorization);
    return match !== null && this.#isToken(match[1] as string) ? "allowed" : "unauthorized";
  }

  #isToken(token: string): boolean {
    if (timingSafeEqual(hashOf(token), this.#tokenHash)) return true;
    const now = this.#now();
    if (now - this.#failuresSince > FAILURES_MILLISECONDS) {
      this.#failures = 0;
      this.#failuresSince = now;
    }
    this.#failures++;
    return false;
  }

  #blocked(): boolean {
    const recent = this.#now() - this.#failuresSince <= FAILURES_MILLISECONDS;
    return recent && this.#failures >= FAILURES_MAX;
  }
}

/** Equal lengths whatever the input: what timingSafeEqual needs. */
function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function sessionId(cookie: string | undefined): string | undefined {
  for (const part of (cookie ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === SESSION_COOKIE && value !== undefined) return value;
  }
  return undefined;
}

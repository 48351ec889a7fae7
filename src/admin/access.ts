/**
 * Access: who may do what over the admin port. Decided for every request before any route runs.
 *
 *                 open       metrics      contents                             changes
 *   loopback      free       free         free; by token, if the cache is      by token
 *                                         protected
 *   Unix socket   free       free         free: the socket's mode decides      by token
 *   elsewhere     free       by token     by token                             by token
 *
 *   open       /healthz, /readyz, the page's files: nothing about what is cached
 *   metrics    numbers, without the name of any key
 *   contents   keys, values, hot keys, clients: what a client of the cache could find out
 *   changes    sets, deletes, flushes
 *
 * The cache is protected when it asks for a login (-Y, -S), or when all it listens on is a Unix
 * socket that not everybody may open (-s with -a). What it keeps from strangers then must not be
 * had from its admin port.
 *
 * A token comes as `Authorization: Bearer …`, or once to /api/v1/login, which answers with a
 * session cookie (HttpOnly, SameSite=Strict) for the page. Against other web pages in the
 * operator's browser: the Host header must name us (DNS rebinding), changes must carry
 * `X-Shardcached: 1` (a header no foreign form can send, and no CORS answer ever allows), and there
 * is no CORS.
 *
 * Guessing: tokens are compared in constant time over their hashes. What makes it vain is their
 * length. The right token is always taken: were it refused after some wrong ones, whoever guesses
 * would lock out those who know it. After `FAILURES_MAX` failures in a minute the wrong ones are
 * answered 429, and no longer recorded one by one.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { ConfigError } from "../base/errors.ts";
import { readBounded } from "../config/bounded-file.ts";
import type { Settings } from "../config/settings.ts";
import { type AdminAddress, isLocal, isLoopback } from "./address.ts";

export const TOKEN_ENVIRONMENT = "SHARDCACHED_ADMIN_TOKEN";
export const SESSION_COOKIE = "shardcached_session";
export const CHANGE_HEADER = "x-shardcached";
const TOKEN_LENGTH_MIN = 16;
const SESSION_MILLISECONDS = 12 * 3600 * 1000;
const SESSIONS_MAX = 64;
const FAILURES_MAX = 10;
const FAILURES_MILLISECONDS = 60_000;
const USAGE_EXIT = 64;
/** The bit of a socket's mode that lets everybody connect. */
const OTHERS_MAY_WRITE = 0o002;

/**
 * The token, from the environment or the first line of `file`; empty when there is none. Throws
 * ConfigError when the file cannot be read, or when the token is too short to be a secret.
 */
export function loadToken(file: string): string {
  let token = process.env[TOKEN_ENVIRONMENT] ?? "";
  if (token === "" && file !== "") {
    try {
      token = (readBounded(file).toString("utf8").split(/\r?\n/, 1)[0] ?? "").trim();
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

/** What a route gives away, or does. */
export type RouteAccess = "open" | "metrics" | "contents" | "change";

/** The answer to one request. */
export type Verdict =
  | "allowed"
  | "unauthorized"
  | "protected"
  | "forbidden"
  | "no-token-set"
  | "too-many-failures";

/** Who asks: the headers that tell. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** X-Shardcached. */
  readonly changeHeader: string | undefined;
}

/** The option that protects the cache itself; empty when none does. */
export function protectionOf(settings: Settings): string {
  if (settings.authFile !== "") return "-Y";
  if (settings.saslEnabled) return "-S";
  const onlySocket = settings.unixSocket !== "" && settings.listen.length === 0;
  const anybody = (settings.unixMask & OTHERS_MAY_WRITE) !== 0;
  return onlySocket && !anybody ? "-s" : "";
}

export interface AccessParts {
  readonly address: AdminAddress;
  readonly token: string;
  /** What protects the cache, as `protectionOf` says. */
  readonly protection: string;
  /** --admin-hosts: further names the Host header may carry; "*" is any. */
  readonly hosts: readonly string[];
  /** Milliseconds; tests move it by hand. */
  readonly now: () => number;
}

export class Access {
  readonly tokenSet: boolean;
  readonly protection: string;
  readonly #local: boolean;
  readonly #bySocket: boolean;
  readonly #tokenHash: Buffer;
  readonly #hosts: ReadonlySet<string>;
  readonly #anyHost: boolean;
  readonly #now: () => number;
  readonly #sessions = new Map<string, number>();
  #failures = 0;
  #failuresSince = Number.NEGATIVE_INFINITY;

  constructor(parts: AccessParts) {
    const { address } = parts;
    this.#local = isLocal(address);
    this.#bySocket = address.kind === "unix";
    this.protection = parts.protection;
    this.tokenSet = parts.token !== "";
    this.#tokenHash = hashOf(parts.token);
    this.#now = parts.now;
    this.#anyHost = parts.hosts.includes("*");
    this.#hosts = new Set([
      "localhost",
      ...(address.kind === "tcp" ? [address.host.toLowerCase()] : []),
      ...(this.#local ? [] : [hostname().toLowerCase()]),
      ...parts.hosts.map((host) => host.toLowerCase()),
    ]);
    if (address.kind === "tcp" && !this.#local && !this.tokenSet) {
      throw new ConfigError(
        `--admin-listen ${address.host} can be reached from other machines, so a token is needed: ` +
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
    if (isIP(host) !== 0) return !this.#local || isLoopback(host);
    return this.#hosts.has(host);
  }

  /** Whether whoever asks may use a route of this kind. */
  may(access: RouteAccess, who: Credentials): Verdict {
    switch (access) {
      case "open":
        return "allowed";
      case "metrics":
        return this.#local ? "allowed" : this.#authorized(who);
      case "contents":
        return this.#mayRead(who);
      case "change":
        return this.#mayChange(who);
    }
  }

  /** Starts a session for whoever has the token: the session's id, or null. */
  login(token: string): string | null {
    if (!this.tokenSet || !this.#isToken(token)) return null;
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
  isKnown(who: Credentials): boolean {
    return this.tokenSet && this.#authorized(who) === "allowed";
  }

  /** True while too many have failed: who fails then is told to wait. */
  isGuessed(): boolean {
    const recent = this.#now() - this.#failuresSince <= FAILURES_MILLISECONDS;
    return recent && this.#failures > FAILURES_MAX;
  }

  #mayRead(who: Credentials): Verdict {
    if (this.#bySocket || (this.#local && this.protection === "")) return "allowed";
    return this.tokenSet ? this.#authorized(who) : "protected";
  }

  #mayChange(who: Credentials): Verdict {
    if (!this.tokenSet) return "no-token-set";
    const verdict = this.#authorized(who);
    if (verdict !== "allowed") return verdict;
    // A bearer token is proof of intent in itself; a cookie travels by itself, so it needs the
    // header.
    return who.authorization !== undefined || who.changeHeader === "1" ? "allowed" : "forbidden";
  }

  #authorized({ authorization, cookie }: Credentials): Verdict {
    const id = sessionId(cookie);
    if (id !== undefined) {
      const ends = this.#sessions.get(hashOf(id).toString("base64"));
      if (ends !== undefined && ends > this.#now()) return "allowed";
    }
    if (authorization === undefined) return "unauthorized";
    const match = /^Bearer\s+(\S+)$/i.exec(authorization);
    if (this.tokenSet && this.#isToken(match?.[1] ?? "")) return "allowed";
    return this.isGuessed() ? "too-many-failures" : "unauthorized";
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

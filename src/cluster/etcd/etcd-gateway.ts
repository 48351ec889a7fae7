/**
 * EtcdGateway: etcd's v3 API as JSON over HTTP, which every etcd from 3.4 on serves.
 *
 *   call()    one question, one answer; tries the members in turn, each for two seconds
 *   watch()   one answer that goes on: lines of JSON, until it ends
 *
 * What members do when they are not well, and what is made of it:
 *
 *   refuses, resets, is silent, 503, code 14 or 4   the next member is asked
 *   401 code 16, or 400 "user name is empty"        the token has gone, as after a restart:
 *                                                   a new login, once
 *   404 that is no JSON                             the gateway is off: said in one sentence
 *   any other code                                  an answer: thrown as it is
 *
 * Each call walks the members in an order of its own, from the last that answered: were the place
 * shared, calls that fail side by side would go on turning it when the cluster has healed.
 *
 * Not fetch(): it ends an answer that is silent for five minutes, and a watch mostly is.
 */
import { type ClientRequest, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";

const ANSWER_MILLISECONDS_MAX = 2000;
/** A thousand nodes' entries are 300 kB. */
const ANSWER_BYTES_MAX = 8_388_608;
const SOCKETS_MAX = 4;
/** gRPC's codes, which the gateway hands on. */
const GrpcCode = {
  deadlineExceeded: 4,
  notFound: 5,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** etcd has answered, and the answer is no. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
  /** gRPC's code; -1 when the answer had none. */
  readonly grpcCode: number;

  constructor(message: string, grpcCode: number) {
    super(message);
    this.grpcCode = grpcCode;
  }

  get isNotFound(): boolean {
    return this.grpcCode === GrpcCode.notFound;
  }
}

/** No member has answered. */
class EtcdUnavailable extends Error {
  override readonly name = "EtcdUnavailable";
}

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly endpoints: readonly string[];
  /** Empty: no login. */
  readonly user: string;
  readonly password: string;
  /** Authorities and our certificate, read. */
  readonly tls: Pick<ConnectionOptions, "ca" | "cert" | "key"> | null;
  readonly answerMilliseconds?: number;
}

export interface GatewayWatch {
  close(): void;
}

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly isJson: boolean;
}

export class EtcdGateway {
  readonly #options: EtcdOptions;
  readonly #answerMilliseconds: number;
  readonly #agent: PlainAgent;
  #token = "";
  #lastGood = 0;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#answerMilliseconds = options.answerMilliseconds ?? ANSWER_MILLISECONDS_MAX;
    const pool = { keepAlive: true, maxSockets: SOCKETS_MAX };
    this.#agent =
      options.tls === null ? new PlainAgent(pool) : new TlsAgent({ ...pool, ...options.tls });
  }

  /** Asks `path`. Throws EtcdError and EtcdUnavailable. */
  async call(path: string, body: Json): Promise<Json> {
    const { endpoints } = this.#options;
    const first = this.#lastGood;
    const problems: string[] = [];
    for (let step = 0; step < endpoints.length; step++) {
      const index = (first + step) % endpoints.length;
      try {
        const answer = await this.#callMember(index, path, body);
        this.#lastGood = index;
        return answer;
      } catch (error) {
        if (!(error instanceof EtcdUnavailable)) throw error;
        problems.push(error.message);
      }
    }
    throw new EtcdUnavailable(problems.join("; "));
  }

  close(): void {
    this.#agent.destroy();
  }

  /** One member, with a new login if ours has gone. */
  async #callMember(index: number, path: string, body: Json): Promise<Json> {
    if (this.#options.user !== "" && this.#token === "") await this.#logIn(index);
    const answer = await this.#post(index, path, body);
    if (!this.#hasLostLogin(answer)) return this.#taken(index, answer);
    await this.#logIn(index);
    return this.#taken(index, await this.#post(index, path, body));
  }

  async #logIn(index: number): Promise<void> {
    const { user: name, password } = this.#options;
    this.#token = "";
    const answer = await this.#post(index, "/v3/auth/authenticate", { name, password });
    const { token } = this.#taken(index, answer);
    this.#token = typeof token === "string" ? token : "";
  }

  #hasLostLogin({ status, body }: Answer): boolean {
    if (status === 200 || this.#options.user === "") return false;
    return codeOf(body) === GrpcCode.unauthenticated || /user name is empty/.test(messageOf(body));
  }

  #taken(index: number, { status, body, isJson }: Answer): Json {
    if (status === 200 && isJson) return body;
    const place = this.#options.endpoints[index];
    if (status === 404 && !isJson) {
      throw new EtcdError(`${place} serves no /v3: start etcd with --enable-grpc-gateway`, -1);
    }
    const code = codeOf(body);
    const message = `${place}: ${messageOf(body) || `status ${status}`}`;
    const isUnwell =
      status === 503 || code === GrpcCode.unavailable || code === GrpcCode.deadlineExceeded;
    throw isUnwell ? new EtcdUnavailable(message) : new EtcdError(message, code);
  }

  #post(index: number, path: string, body: Json): Promise<Answer> {
    const place = this.#options.endpoints[index] as string;
    return new Promise((resolve, reject) => {
      const request = this.#request(place, path, body, {});
      const fail = (error: Error & { code?: string }) => {
        clearTimeout(timer);
        reject(new EtcdUnavailable(`${place}: ${error.code ?? error.message}`, { cause: error }));
      };
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${this.#answerMilliseconds} ms`));
      }, this.#answerMilliseconds);
      request.on("error", fail);
      request.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (more: string) => {
          text += more;
          if (text.length > ANSWER_BYTES_MAX) request.destroy(new Error("an endless answer"));
        });
        response.on("error", fail);
        response.on("end", () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, ...parsed(text) });
        });
      });
    });
  }

  #request(
    place: string,
    path: string,
    body: Json,
    headers: Record<string, string>,
  ): ClientRequest {
    const text = JSON.stringify(body);
    const { tls } = this.#options;
    const isWatch = path === "/v3/watch";
    const send = tls === null ? plainRequest : tlsRequest;
    const request = send(new URL(path, place), {
      method: "POST",
      // A watch keeps its connection, so it has one of its own.
      agent: isWatch ? false : this.#agent,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        ...(this.#token === "" ? {} : { authorization: this.#token }),
        ...headers,
      },
      ...tls,
    });
    request.end(text);
    return request;
  }

  /**
   * Watches from the last member that answered on. `told` gets each result; `ended` is called once,
   * with why, unless it was closed. A member that has lost its leader ends the watch by itself: a
   * header asks it to, since else it would be silent for as long as that lasts.
   */
  watch(create: Json, told: (result: Json) => void, ended: (why: string) => void): GatewayWatch {
    const place = this.#options.endpoints[this.#lastGood] as string;
    const request = this.#request(
      place,
      "/v3/watch",
      { create_request: create },
      { "grpc-metadata-hasleader": "true" },
    );
    let isOver = false;
    const end = (why: string) => {
      if (isOver) return;
      isOver = true;
      request.destroy();
      ended(`${place}: ${why}`);
    };
    request.on("error", (error: Error & { code?: string }) => end(error.code ?? error.message));
    request.on("response", (response) => {
      const lines = new JsonLines(
        (line) => this.#takeLine(line, told, end),
        () => end("a line without an end"),
      );
      response.setEncoding("utf8");
      response.on("data", (more: string) => {
        if (!isOver) lines.add(more);
      });
      response.on("error", (error: Error & { code?: string }) => end(error.code ?? error.message));
      response.on("end", () => end("the watch has ended"));
    });
    return {
      close: () => {
        isOver = true;
        request.destroy();
      },
    };
  }

  #takeLine(line: Json, told: (result: Json) => void, end: (why: string) => void): void {
    const result = line["result"] as Json | undefined;
    if (result === undefined) {
      if (codeOf(line) === GrpcCode.unauthenticated) this.#token = "";
      end(messageOf(line) || "an answer that is no result");
      return;
    }
    if (result["canceled"] === true) {
      const compacted = result["compact_revision"];
      const reason = String(result["cancel_reason"] ?? "");
      if (/auth/.test(reason)) this.#token = "";
      end(compacted === undefined ? reason || "cancelled" : `compacted at ${compacted}`);
      return;
    }
    told(result);
  }
}

/** Text cut into lines, each of them JSON. */
class JsonLines {
  readonly #taken: (line: Json) => void;
  readonly #endless: () => void;
  #rest = "";

  constructor(taken: (line: Json) => void, endless: () => void) {
    this.#taken = taken;
    this.#endless = endless;
  }

  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > ANSWER_BYTES_MAX) this.#endless();
    for (const line of lines) {
      if (line.trim() !== "") this.#taken(parsed(line).body);
    }
  }
}

function parsed(text: string): { body: Json; isJson: boolean } {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) return { body: body as Json, isJson: true };
  } catch {
    // A page of a proxy, or "404 page not found".
  }
  return { body: { message: text.slice(0, 200).trim() }, isJson: false };
}

/** etcd 3.4 and 3.5 say `{error, code}`, streams `{error: {grpc_code}}`; 3.6 `{code, message}`. */
function codeOf(body: Json): number {
  const inner = body["error"] as Json | string | undefined;
  const from = typeof inner === "object" ? inner : body;
  const code = from["grpc_code"] ?? from["code"];
  return typeof code === "number" ? code : -1;
}

function messageOf(body: Json): string {
  const inner = body["error"] as Json | string | undefined;
  if (typeof inner === "string") return inner;
  const message = (inner ?? body)["message"];
  return typeof message === "string" ? message : "";
}

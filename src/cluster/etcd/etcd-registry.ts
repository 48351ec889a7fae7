/**
 * EtcdRegistry: the registry in etcd.
 *
 *   /shardcached/<cluster>/ring           the document; no lease
 *   /shardcached/<cluster>/alive/<node>   under the node's lease: 15 seconds, renewed each five
 *
 * A lease outlives an outage of etcd, since leases are not counted down without a leader: nobody is
 * expelled for it. A lease that is lost all the same, after a long stop of ours, answers a renewal
 * with 200 and no TTL, and a put with 404: both mean a new lease and a new put.
 *
 * A watch is reopened whenever it ends, and after each silent minute: a member that is stopped says
 * nothing.
 */
import { type Registry, RegistryRefused, type RegistryView } from "../registry.ts";
import { EtcdError, type EtcdGateway, type GatewayWatch } from "./etcd-gateway.ts";

const LEASE_SECONDS = 15;
const WATCH_PAUSE_MILLISECONDS = 1000;
const WATCH_IDLE_MILLISECONDS = 60_000;
const NO_REVISION = "0";

type Json = Readonly<Record<string, unknown>>;

export interface EtcdRegistryTimes {
  readonly leaseSeconds?: number;
  readonly watchIdleMilliseconds?: number;
}

export class EtcdRegistry implements Registry {
  readonly #gateway: EtcdGateway;
  readonly #prefix: string;
  readonly #leaseSeconds: number;
  readonly #watchIdleMilliseconds: number;
  /** Empty: none. */
  #lease = "";
  #watch: GatewayWatch | null = null;
  #watchTimer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(gateway: EtcdGateway, cluster: string, times: EtcdRegistryTimes = {}) {
    this.#gateway = gateway;
    this.#prefix = `/shardcached/${cluster}/`;
    this.#leaseSeconds = times.leaseSeconds ?? LEASE_SECONDS;
    this.#watchIdleMilliseconds = times.watchIdleMilliseconds ?? WATCH_IDLE_MILLISECONDS;
  }

  async read(): Promise<RegistryView> {
    const { kvs } = await this.#call("/v3/kv/range", this.#range());
    let ring: string | null = null;
    let ringRevision = NO_REVISION;
    const alive = new Map<string, string>();
    const ringKey = this.#ringKey();
    const aliveKey = this.#aliveKey("");
    for (const kv of (kvs ?? []) as Json[]) {
      const key = fromBase64(kv["key"]);
      if (key === ringKey) {
        ring = fromBase64(kv["value"]);
        ringRevision = String(kv["mod_revision"]);
      } else if (key.startsWith(aliveKey)) {
        alive.set(key.slice(aliveKey.length), fromBase64(kv["value"]));
      }
    }
    return { ring, ringRevision, alive };
  }

  async writeRing(text: string, revision: string): Promise<boolean> {
    const key = toBase64(this.#ringKey());
    const compared =
      revision === NO_REVISION
        ? { target: "CREATE", create_revision: NO_REVISION }
        : { target: "MOD", mod_revision: revision };
    const { succeeded } = await this.#call("/v3/kv/txn", {
      compare: [{ key, result: "EQUAL", ...compared }],
      success: [{ request_put: { key, value: toBase64(text) } }],
    });
    return succeeded === true;
  }

  async writeAlive(name: string, text: string): Promise<void> {
    if (this.#lease === "") await this.#grant();
    try {
      await this.#put(name, text);
    } catch (error) {
      if (!(error instanceof EtcdError && error.isNotFound)) throw error;
      await this.#grant();
      await this.#put(name, text);
    }
  }

  async keepAlive(): Promise<boolean> {
    if (this.#lease === "") return false;
    const { result } = await this.#call("/v3/lease/keepalive", { ID: this.#lease });
    // Without a TTL, or with one of 0, the lease is gone.
    const isAlive = Number((result as Json | undefined)?.["TTL"] ?? 0) > 0;
    if (!isAlive) this.#lease = "";
    return isAlive;
  }

  async leave(): Promise<void> {
    if (this.#lease === "") return;
    const lease = this.#lease;
    this.#lease = "";
    await this.#call("/v3/lease/revoke", { ID: lease });
  }

  watch(changed: () => void): void {
    if (this.#isClosed) return;
    const open = () => this.watch(changed);
    const again = (pauseMilliseconds: number) => {
      this.#watch?.close();
      this.#watch = null;
      if (this.#watchTimer !== null) clearTimeout(this.#watchTimer);
      if (this.#isClosed) return;
      this.#watchTimer = setTimeout(open, pauseMilliseconds);
      this.#watchTimer.unref();
    };
    this.#watch = this.#gateway.watch(
      this.#range(),
      (result) => {
        this.#watchTimer?.refresh();
        // Also when it begins: something may have changed while nobody watched.
        if (result["created"] === true || result["events"] !== undefined) changed();
      },
      () => again(WATCH_PAUSE_MILLISECONDS),
    );
    this.#watchTimer = setTimeout(() => again(0), this.#watchIdleMilliseconds);
    this.#watchTimer.unref();
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.close();
    if (this.#watchTimer !== null) clearTimeout(this.#watchTimer);
    this.#gateway.close();
  }

  async #grant(): Promise<void> {
    const { ID } = await this.#call("/v3/lease/grant", { TTL: String(this.#leaseSeconds) });
    this.#lease = String(ID);
  }

  async #put(name: string, text: string): Promise<void> {
    const key = toBase64(this.#aliveKey(name));
    await this.#call("/v3/kv/put", { key, value: toBase64(text), lease: this.#lease });
  }

  /** A refusal is said as one; a key that is not found is an answer. */
  async #call(path: string, body: Json): Promise<Json> {
    try {
      return await this.#gateway.call(path, body);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.isNotFound) throw error;
      throw new RegistryRefused(error.message, { cause: error });
    }
  }

  #ringKey(): string {
    return `${this.#prefix}ring`;
  }

  #aliveKey(name: string): string {
    return `${this.#prefix}alive/${name}`;
  }

  #range(): Json {
    // The prefix ends in a slash, and the byte after a slash is 0.
    return { key: toBase64(this.#prefix), range_end: toBase64(`${this.#prefix.slice(0, -1)}0`) };
  }
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function fromBase64(text: unknown): string {
  return typeof text === "string" ? Buffer.from(text, "base64").toString() : "";
}

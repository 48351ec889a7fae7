/**
 * A registry in memory, with a moved clock and the failures of a real one as switches: it may be
 * away, refuse, lose a lease, lose the answer to a write, tell no change, go back to an older state.
 */
import { type Registry, RegistryRefused, type RegistryView } from "../../src/cluster/registry.ts";

const LEASE_SECONDS = 15;

interface Entry {
  text: string;
  readonly lease: number;
}

/** What all nodes share. */
export class FakeEtcd {
  seconds = 0;
  ring: string | null = null;
  revision = 0;
  /** Nobody is answered. */
  isAway = false;
  /** Writes of the ring, taken or not. */
  writes = 0;
  readonly alive = new Map<string, Entry>();
  readonly leases = new Map<number, number>();
  readonly watchers = new Set<() => void>();
  #nextLease = 1;

  grant(): number {
    const lease = this.#nextLease++;
    this.leases.set(lease, this.seconds + LEASE_SECONDS);
    return lease;
  }

  /** Time passes; leases run out, but not while nobody leads. */
  pass(seconds: number): void {
    this.seconds += seconds;
    if (this.isAway) {
      for (const [lease, end] of this.leases) this.leases.set(lease, end + seconds);
      return;
    }
    for (const [lease, end] of this.leases) {
      if (end <= this.seconds) this.endLease(lease);
    }
  }

  endLease(lease: number): void {
    this.leases.delete(lease);
    for (const [name, entry] of this.alive) if (entry.lease === lease) this.alive.delete(name);
    this.changed();
  }

  changed(): void {
    for (const watcher of this.watchers) watcher();
  }
}

export class FakeRegistry implements Registry {
  readonly #etcd: FakeEtcd;
  lease = 0;
  /** This node alone is not answered. */
  isCutOff = false;
  /** A refusal, as of a login. */
  refusal = "";
  /** The next write of the ring takes effect, and its answer is lost. */
  losesNextAnswer = false;
  /** Changes are not told. */
  isDeaf = false;
  #watcher: (() => void) | null = null;

  constructor(etcd: FakeEtcd) {
    this.#etcd = etcd;
  }

  async read(): Promise<RegistryView> {
    this.#answer();
    const { ring, revision, alive } = this.#etcd;
    return {
      ring,
      ringRevision: ring === null ? "0" : String(revision),
      alive: new Map([...alive].map(([name, { text }]) => [name, text])),
    };
  }

  async writeRing(text: string, revision: string): Promise<boolean> {
    this.#answer();
    const etcd = this.#etcd;
    etcd.writes += 1;
    if (revision !== (etcd.ring === null ? "0" : String(etcd.revision))) return false;
    etcd.ring = text;
    etcd.revision += 1;
    etcd.changed();
    if (!this.losesNextAnswer) return true;
    this.losesNextAnswer = false;
    throw new Error("the answer was lost");
  }

  async writeAlive(name: string, text: string): Promise<void> {
    this.#answer();
    const etcd = this.#etcd;
    if (!etcd.leases.has(this.lease)) this.lease = etcd.grant();
    etcd.alive.set(name, { text, lease: this.lease });
    etcd.changed();
  }

  async keepAlive(): Promise<boolean> {
    this.#answer();
    const etcd = this.#etcd;
    if (!etcd.leases.has(this.lease)) return false;
    etcd.leases.set(this.lease, etcd.seconds + LEASE_SECONDS);
    return true;
  }

  async leave(): Promise<void> {
    this.#answer();
    this.#etcd.endLease(this.lease);
  }

  watch(changed: () => void): void {
    this.#watcher = () => {
      if (!this.isDeaf && !this.isCutOff && !this.#etcd.isAway) changed();
    };
    this.#etcd.watchers.add(this.#watcher);
  }

  close(): void {
    if (this.#watcher !== null) this.#etcd.watchers.delete(this.#watcher);
  }

  #answer(): void {
    if (this.refusal !== "") throw new RegistryRefused(this.refusal);
    if (this.isCutOff || this.#etcd.isAway) throw new Error("ECONNREFUSED");
  }
}

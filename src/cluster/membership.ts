/**
 * Membership: this node's part in a ring that all nodes keep in a registry.
 *
 *   read ─▶ list told to clients ─▶ "seen" said under the lease ─▶ steps that are due, written
 *     ▲                                                                 │
 *     └── each ten seconds, and when the watch says so ◀────────────────┘  until nothing is due
 *
 * It is a source of lists like a file. When the registry is away, nothing changes: the last list is
 * told, every request is served, the lease is renewed as soon as that goes again, and the operator
 * is told. One turn runs at a time.
 */
import { ConfigError } from "../base/errors.ts";
import type { ListHandler, ListSource } from "./list-source.ts";
import { type Registry, RegistryRefused, type RegistryView } from "./registry.ts";
import {
  forgotten,
  listedNodes,
  moved,
  NodeState,
  type OwnNode,
  type RingDocument,
  ringFrom,
  ringText,
  withoutOwn,
} from "./ring-document.ts";
import { type AliveNode, hasGoneBack, stepped } from "./ring-steps.ts";

/** Steps of others can make ours fail this often in one turn. */
const WRITES_MAX = 8;
/** After a change somebody made: others make theirs at the same time. */
const WATCH_MILLISECONDS = 100;
/** How long a start waits for the registry. */
const START_MILLISECONDS_MAX = 1000;
/** How long a stop waits for the registry. */
const LEAVE_MILLISECONDS_MAX = 3000;
const EXIT_CONFIG = 78;

export interface MembershipTimes {
  /** Milliseconds between reads: the truth, whatever the watch says. */
  readonly read: number;
  /** Milliseconds between renewals: a third of the lease, so that two may fail. */
  readonly renew: number;
  /** Milliseconds between looks while steps wait for time to pass. */
  readonly step: number;
  /** Seconds between two changes of the list, for nodes that ask to be in it. */
  readonly apart: number;
}

const TIMES: MembershipTimes = { read: 10_000, renew: 5000, step: 1000, apart: 10 };

/** What an operator may know of the ring. */
export interface MembershipState {
  readonly ring: RingDocument | null;
  readonly alive: ReadonlySet<string>;
  readonly name: string;
  /** What keeps this node from taking part; empty when nothing does. */
  readonly problem: string;
  /** False while the registry cannot be used. */
  readonly isRegistryUp: boolean;
  /** Seconds since it last could. */
  readonly silentSeconds: number;
}

export interface MembershipParts {
  readonly registry: Registry;
  /** As this node is to be listed. Asked for at the start. */
  readonly own: () => Promise<OwnNode>;
  readonly log: (level: "info" | "warn" | "error", message: string) => void;
  readonly forgetSeconds: number;
  readonly unixMilliseconds: () => number;
  /** What the entry under the lease says of the build. */
  readonly build: string;
  readonly times?: Partial<MembershipTimes>;
}

export class Membership implements ListSource {
  readonly #parts: MembershipParts;
  readonly #times: MembershipTimes;
  #handler: ListHandler | null = null;
  #own: OwnNode | null = null;
  #ring: RingDocument | null = null;
  #alive: ReadonlyMap<string, AliveNode> = new Map();
  #saidAlive = "";
  #deadSince = new Map<string, number>();
  /** Why the registry cannot be used; empty when it can. */
  #outage = "";
  /** What else keeps us from taking part; empty when nothing does. */
  #problem = "";
  #answeredAt: number;
  #isLeaving = false;
  #isStopped = false;
  /** Another node took our name. */
  #isReplaced = false;
  #turn: Promise<void> | null = null;
  #isTurnDue = false;
  readonly #timers: NodeJS.Timeout[] = [];
  #stepTimer: NodeJS.Timeout | null = null;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#times = { ...TIMES, ...parts.times };
    this.#answeredAt = parts.unixMilliseconds();
  }

  get state(): MembershipState {
    const silent = this.#parts.unixMilliseconds() - this.#answeredAt;
    return {
      ring: this.#ring,
      alive: new Set(this.#alive.keys()),
      name: this.#own?.name ?? "",
      problem: this.#outage || this.#problem,
      isRegistryUp: this.#outage === "",
      silentSeconds: this.#outage === "" ? 0 : Math.max(0, Math.round(silent / 1000)),
    };
  }

  /**
   * Registers this node. A registry that is away only delays that; one that refuses us ends the
   * start: throws ConfigError.
   */
  async start(handler: ListHandler): Promise<void> {
    this.#handler = handler;
    this.#own = await this.#parts.own();
    const refusal = await within(START_MILLISECONDS_MAX, this.#firstTurn());
    if (this.#isStopped) return;
    // Refused or not: a start that did not wait for the answer goes on, and tries again.
    const { read, renew } = this.#times;
    this.#timers.push(setInterval(() => void this.turn(), read));
    this.#timers.push(setInterval(() => void this.#renew(), renew));
    for (const timer of this.#timers) timer.unref();
    this.#parts.registry.watch(() => this.#turnIn(WATCH_MILLISECONDS));
    if (refusal !== null) {
      throw new ConfigError(`--cluster: etcd refuses this node: ${refusal}`, EXIT_CONFIG);
    }
  }

  /** Resolves with why the registry refuses us, else with null. */
  async #firstTurn(): Promise<string | null> {
    try {
      await this.#runTurn();
    } catch (error) {
      if (error instanceof RegistryRefused) return error.message;
      this.#failed(error);
    }
    return null;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#stepTimer !== null) clearTimeout(this.#stepTimer);
    this.#parts.registry.close();
  }

  /** Runs a turn now, or after the one under way. Never throws. */
  turn(): Promise<void> {
    if (this.#turn !== null) {
      this.#isTurnDue = true;
      return this.#turn;
    }
    this.#turn = (async () => {
      do {
        this.#isTurnDue = false;
        if (this.#isStopped) return;
        try {
          await this.#runTurn();
        } catch (error) {
          this.#failed(error);
        }
      } while (this.#isTurnDue);
    })().finally(() => {
      this.#turn = null;
    });
    return this.#turn;
  }

  /**
   * Takes this node out of the list; clients hear it within their poll. False when it is not out of
   * a list it was in: it was in none, is the only one, or the registry is away.
   */
  async leave(): Promise<boolean> {
    this.#isLeaving = true;
    const name = this.#name();
    await this.#lastly(this.#change((ring, now) => withoutOwn(ring, name, now)));
    const own = this.#ring?.nodes.find((node) => node.name === name);
    return own?.state === NodeState.leaving;
  }

  /** The node ends: its entry goes at once, its slot stays. */
  async depart(): Promise<void> {
    const name = this.#name();
    const ended = this.#change((ring, now) =>
      moved(ring, NodeState.leaving, NodeState.gone, (node) => node.name === name, now),
    );
    await this.#lastly(ended.then(() => this.#parts.registry.leave()));
    this.stop();
  }

  /** Takes a dead node out of the ring. A string says why not. */
  async forget(name: string): Promise<string | null> {
    const view = await this.#parts.registry.read();
    const ring = view.ring === null ? null : ringFrom(view.ring);
    if (ring === null || typeof ring === "string") return "there is no ring";
    if (!ring.nodes.some((node) => node.name === name)) return `the ring has no node ${name}`;
    if (view.alive.has(name)) return `${name} is alive: stop it, and it leaves by itself`;
    await this.#change((latest, now) => forgotten(latest, name, now));
    this.#parts.log("warn", `cluster: ${name} is forgotten`);
    return null;
  }

  #name(): string {
    return this.#own?.name ?? "";
  }

  #now(): number {
    return Math.floor(this.#parts.unixMilliseconds() / 1000);
  }

  async #runTurn(): Promise<void> {
    const { registry } = this.#parts;
    for (let writes = 0; writes < WRITES_MAX; writes++) {
      const view = await registry.read();
      this.#answered();
      this.#takeAlive(view);
      const read = this.#taken(view);
      if (read === undefined || this.#isReplaced) return;
      await this.#sayAlive();
      const next = stepped(read, {
        own: this.#isLeaving ? null : this.#own,
        alive: this.#alive,
        told: this.#ring,
        unixSeconds: this.#now(),
        secondsApart: this.#times.apart,
        deadSeconds: this.#deadSeconds(),
        forgetSeconds: this.#parts.forgetSeconds,
      });
      if (typeof next === "string") return this.#isHindered(`this node cannot join: ${next}`);
      this.#problem = "";
      if (next === read) return this.#stepLater(next);
      await registry.writeRing(ringText(next), view.ringRevision);
    }
    this.#stepLater(this.#ring);
  }

  /** What waits for time or for others is looked at again soon. */
  #stepLater(ring: RingDocument | null): void {
    const waits = ring?.nodes.some(
      ({ state }) => state === NodeState.next || state === NodeState.joining,
    );
    if (waits === true) this.#turnIn(this.#times.step);
  }

  /** Many changes that come at once are one turn. */
  #turnIn(milliseconds: number): void {
    if (this.#isStopped) return;
    if (this.#stepTimer !== null) clearTimeout(this.#stepTimer);
    this.#stepTimer = setTimeout(() => void this.turn(), milliseconds);
    this.#stepTimer.unref();
  }

  #isHindered(why: string): void {
    if (this.#problem !== why) this.#parts.log("error", `cluster: ${why}`);
    this.#problem = why;
  }

  #takeAlive(view: RegistryView): void {
    const alive = new Map<string, AliveNode>();
    for (const [name, text] of view.alive) {
      const node = aliveFrom(text);
      if (node !== null) alive.set(name, node);
    }
    this.#alive = alive;
    const own = this.#own;
    const said = own === null ? undefined : alive.get(own.name);
    if (said === undefined) {
      this.#saidAlive = "";
      return;
    }
    if (said.incarnation === own?.incarnation || this.#saidAlive === "" || this.#isReplaced) return;
    this.#isReplaced = true;
    this.#isHindered(`another node calls itself ${own?.name}: give each its own --cluster-name`);
  }

  /** Takes in the document that was read; undefined when it is none we understand. */
  #taken(view: RegistryView): RingDocument | null | undefined {
    if (view.ring === null) return null;
    const ring = ringFrom(view.ring);
    if (typeof ring === "string") {
      this.#isHindered(`the ring in etcd cannot be read: ${ring}`);
      return undefined;
    }
    const told = this.#ring;
    if (told !== null && hasGoneBack(ring, told)) return ring;
    this.#ring = ring;
    const nodes = listedNodes(ring);
    if (nodes.length > 0 && ring.version !== told?.version) {
      this.#handler?.listed({ nodes, version: ring.version, seed: 0 });
    }
    return ring;
  }

  async #sayAlive(): Promise<void> {
    const own = this.#own;
    if (own === null) return;
    const { registry, build } = this.#parts;
    const revision = this.#ring?.revision ?? 0;
    const text = JSON.stringify({ incarnation: own.incarnation, revision, build });
    if (text === this.#saidAlive) return;
    await registry.writeAlive(own.name, text);
    this.#saidAlive = text;
    const seen = new Map(this.#alive);
    seen.set(own.name, { incarnation: own.incarnation, revision });
    this.#alive = seen;
  }

  async #renew(): Promise<void> {
    if (this.#isReplaced || this.#isStopped) return;
    try {
      if (await this.#parts.registry.keepAlive()) return;
      this.#saidAlive = "";
    } catch (error) {
      return this.#failed(error);
    }
    await this.turn();
  }

  #deadSeconds(): Map<string, number> {
    const now = this.#now();
    const since = new Map<string, number>();
    for (const { name, state } of this.#ring?.nodes ?? []) {
      if (this.#alive.has(name) || state === NodeState.gone) continue;
      since.set(name, this.#deadSince.get(name) ?? now);
    }
    this.#deadSince = since;
    return new Map([...since].map(([name, at]) => [name, now - at]));
  }

  /** Writes what `change` makes of the ring, against whatever others write meanwhile. */
  async #change(change: (ring: RingDocument, now: number) => RingDocument): Promise<void> {
    for (let writes = 0; writes < WRITES_MAX; writes++) {
      const view = await this.#parts.registry.read();
      const ring = this.#taken(view);
      if (ring === null || ring === undefined) return;
      const next = change(ring, this.#now());
      if (next === ring) return;
      if (await this.#parts.registry.writeRing(ringText(next), view.ringRevision)) {
        this.#taken({ ...view, ring: ringText(next) });
        return;
      }
    }
  }

  /** A stop does not wait for a registry that is away. */
  async #lastly(work: Promise<void>): Promise<void> {
    const told = work.catch((error: unknown) => {
      this.#parts.log("warn", `cluster: left without the registry: ${textOf(error)}`);
    });
    await within(LEAVE_MILLISECONDS_MAX, told);
  }

  #answered(): void {
    this.#answeredAt = this.#parts.unixMilliseconds();
    if (this.#outage === "") return;
    this.#parts.log("info", "cluster: etcd answers again");
    this.#outage = "";
  }

  #failed(error: unknown): void {
    if (this.#isStopped) return;
    const why = `etcd cannot be used: ${textOf(error)}`;
    if (this.#outage === "") this.#handler?.failed(why);
    this.#outage = why;
  }
}

/** What `work` comes to, or null when that takes longer. */
async function within<Result>(milliseconds: number, work: Promise<Result>): Promise<Result | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function aliveFrom(text: string): AliveNode | null {
  try {
    const { incarnation, revision } = JSON.parse(text) as Partial<AliveNode>;
    if (typeof incarnation !== "string" || typeof revision !== "number") return null;
    return { incarnation, revision };
  } catch {
    return null;
  }
}

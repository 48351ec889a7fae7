/**
 * Discovery: from where a list comes to what clients are told.
 *
 *   source ─▶ list ─▶ addresses of its hosts ─▶ version, agreed with peers ─▶ all threads
 *                          every few seconds again: addresses change, peers come
 *
 * One round runs at a time, and each ends by publishing if anything differs from what was told. A
 * node that cannot find a list serves all the same: its clients hear that it is not known yet.
 */
import { HostAddresses } from "./host-addresses.ts";
import type { ListSource, SourcedList } from "./list-source.ts";
import {
  isSameAddress,
  type ListedNode,
  type NodeAddress,
  type NodeList,
  nodesLine,
  nodesProblem,
  nodesWarning,
  payloadOf,
} from "./node-list.ts";
import { askPeer } from "./peer-question.ts";
import { agreedVersion, type Claim } from "./version.ts";

/** Between rounds while nothing changes. */
const ROUND_MILLISECONDS = 5000;
/** Between the rounds after a change: others find it within a second or two, and must agree. */
const QUICK_ROUND_MILLISECONDS = 500;
const QUICK_ROUNDS = 6;
/** Peers asked in one round; with more, each round asks the next ones. */
const PEERS_ASKED_MAX = 16;

/** What an operator may know of the list. */
export interface DiscoveryState {
  /** 0 while no list is known. */
  readonly version: number;
  readonly nodes: readonly ListedNode[];
  /** Lists published since the start, the first one included. */
  readonly changes: number;
  /** What is wrong with the source, or with the last round; empty when nothing is. */
  readonly problem: string;
}

export interface DiscoveryParts {
  readonly source: ListSource;
  /** --cluster-advertise: how the list should name this node; null when nobody says. */
  readonly self: NodeAddress | null;
  /** Hands a payload to every thread. */
  readonly publish: (payload: string) => void;
  readonly log: (level: "info" | "warn", message: string) => void;
  readonly addresses?: HostAddresses;
  readonly ask?: (peer: NodeAddress) => Promise<NodeList | null>;
  readonly roundMilliseconds?: number;
}

export class Discovery {
  readonly #parts: DiscoveryParts;
  readonly #addresses: HostAddresses;
  readonly #ask: (peer: NodeAddress) => Promise<NodeList | null>;
  #list: SourcedList | null = null;
  #told: Claim | null = null;
  #nodes: readonly ListedNode[] = [];
  #changes = 0;
  #problem = "";
  /** Why the last round came to nothing; empty when it did not. */
  #roundProblem = "";
  #nextPeer = 0;
  #quickRounds = 0;
  #round: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
    this.#addresses = parts.addresses ?? new HostAddresses();
    this.#ask = parts.ask ?? ((peer) => askPeer(peer));
  }

  get state(): DiscoveryState {
    return {
      version: this.#told?.version ?? 0,
      nodes: this.#nodes,
      changes: this.#changes,
      problem: this.#problem || this.#roundProblem,
    };
  }

  /** Resolves once a list is told, or a problem with it. Throws ConfigError. */
  async start(): Promise<void> {
    await this.#parts.source.start({
      listed: (list) => {
        const problem = nodesProblem(list.nodes);
        if (problem === null) this.#listed(list);
        else this.#failed(problem);
      },
      failed: (why) => this.#failed(why),
    });
    await this.#round;
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#parts.source.stop();
  }

  #failed(why: string): void {
    this.#problem = why;
    this.#warn(why);
  }

  #warn(why: string): void {
    const kept = this.#told === null ? "clients are told of no list yet" : "the last list stays";
    this.#parts.log("warn", `cluster: ${why}; ${kept}`);
  }

  #listed(list: SourcedList): void {
    const { self, log } = this.#parts;
    this.#list = list;
    this.#problem = "";
    this.#quickRounds = QUICK_ROUNDS;
    const warning = nodesWarning(list.nodes);
    if (warning !== null) log("warn", warning);
    if (self !== null && !list.nodes.some((node) => isSameAddress(node, self))) {
      log("warn", `cluster: the list does not name this node, ${self.host}:${self.port}`);
    }
    this.#turn();
  }

  /**
   * Runs a round, now or after the one under way. It never rejects, since nobody waits for most:
   * one that comes to nothing is told, and tried again.
   */
  #turn(): void {
    if (this.#isStopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#round = (this.#round ?? Promise.resolve())
      .then(() => this.#runRound())
      .catch((error: unknown) => this.#roundFailed(error));
  }

  #roundFailed(error: unknown): void {
    if (this.#isStopped) return;
    const why = error instanceof Error ? error.message : String(error);
    if (why !== this.#roundProblem) this.#warn(why);
    this.#roundProblem = why;
    this.#runLater();
  }

  async #runRound(): Promise<void> {
    const list = this.#list;
    if (list === null || this.#isStopped) return;
    const nodes = await this.#addresses.of(list.nodes);
    const line = nodesLine(nodes);
    const version = list.version ?? (await this.#agree(list, line));
    if (list !== this.#list || this.#isStopped) return; // a newer list has its own round behind us
    this.#roundProblem = "";
    this.#tell(version, line, nodes);
    this.#runLater();
  }

  async #agree(list: SourcedList, line: string): Promise<number> {
    const asked = Math.min(PEERS_ASKED_MAX, list.nodes.length);
    const peers = Array.from(
      { length: asked },
      (_, step) => list.nodes[(this.#nextPeer + step) % list.nodes.length] as NodeAddress,
    );
    this.#nextPeer = (this.#nextPeer + asked) % list.nodes.length;
    const answers = await Promise.all(peers.map((peer) => this.#ask(peer)));
    const claims = answers.flatMap((answer) =>
      answer === null ? [] : [{ version: answer.version, nodesLine: nodesLine(answer.nodes) }],
    );
    return agreedVersion(line, this.#told, claims, list.seed);
  }

  #tell(version: number, line: string, nodes: readonly ListedNode[]): void {
    const told = this.#told;
    if (told !== null && told.version === version && told.nodesLine === line) return;
    this.#told = { version, nodesLine: line };
    this.#nodes = nodes;
    this.#changes += 1;
    this.#parts.publish(payloadOf(version, nodes));
    if (told?.nodesLine === line) return; // only the version was agreed on
    const count = nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
    this.#parts.log("info", `cluster: version ${version} lists ${count}`);
  }

  #runLater(): void {
    const usual = this.#parts.roundMilliseconds ?? ROUND_MILLISECONDS;
    const wait = this.#quickRounds > 0 ? Math.min(QUICK_ROUND_MILLISECONDS, usual) : usual;
    this.#quickRounds = Math.max(0, this.#quickRounds - 1);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), wait);
    this.#timer.unref();
  }
}

/**
 * A thousand nodes and their ring: they join, die, return, move, leave and are forgotten at random,
 * on a clock that the test moves, and any of them may be the one that writes.
 *
 * The steps are those that the server takes (src/cluster/ring-steps.ts); the registry is a variable.
 *
 *  - one version per list, and one list per version;
 *  - versions only grow;
 *  - a node's place is its own for ever;
 *  - nodes that return within a minute change no version.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodesLine } from "../../src/cluster/node-list.ts";
import {
  listedNodes,
  moved,
  NodeState,
  type OwnNode,
  type RingDocument,
  ringFrom,
  ringText,
  withoutOwn,
} from "../../src/cluster/ring-document.ts";
import { type AliveNode, stepped } from "../../src/cluster/ring-steps.ts";

const NODES = 1000;
/** Nodes that act on one document before it settles: all of them would only say the same. */
const ACTORS = 5;

class Simulation {
  ring: RingDocument | null = null;
  seconds = 1_000_000;
  readonly alive = new Map<string, AliveNode>();
  readonly own = new Map<string, OwnNode>();
  readonly slots = new Map<string, number>();
  readonly lineOf = new Map<number, string>();
  #lastVersion = 0;
  #incarnations = 0;

  start(index: number, host = `n${index}`): void {
    const name = `node-${index}`;
    const incarnation = (++this.#incarnations).toString(16);
    this.own.set(name, { name, host, ip: "", port: 11211, weight: 1, incarnation });
    this.alive.set(name, { incarnation, revision: 0 });
  }

  kill(index: number): void {
    this.alive.delete(`node-${index}`);
  }

  leave(index: number): void {
    const name = `node-${index}`;
    if (this.ring === null || !this.alive.has(name)) return;
    this.write(withoutOwn(this.ring, name, this.seconds));
    const ended = (node: { readonly name: string }) => node.name === name;
    this.write(moved(this.ring, NodeState.leaving, NodeState.gone, ended, this.seconds));
    this.kill(index);
  }

  /** Everybody alive takes in the document and steps, until nobody has anything to do. */
  settle(first: number): void {
    for (let round = 0; round < 20; round++) {
      this.#allSee();
      const before = this.ring;
      for (const name of this.#actors(first)) {
        const own = this.own.get(name) as OwnNode;
        const next = stepped(this.ring, {
          own,
          alive: this.alive,
          told: this.ring,
          unixSeconds: this.seconds,
          secondsApart: 10,
          deadSeconds: new Map(),
          forgetSeconds: Number.POSITIVE_INFINITY,
        });
        if (typeof next === "string") throw new Error(next);
        this.write(next);
      }
      if (this.ring === before) {
        this.#readBack();
        return;
      }
    }
    throw new Error("never settles");
  }

  write(next: RingDocument): void {
    if (next === this.ring) return;
    this.ring = next;
    this.#check(next);
  }

  get version(): number {
    return this.ring?.version ?? 0;
  }

  /** Plain comparisons: this runs for each of a thousand nodes after each change. */
  #check(ring: RingDocument): void {
    const line = nodesLine(listedNodes(ring));
    const wrong: string[] = [];
    if (ring.version < this.#lastVersion) wrong.push("a version goes back");
    this.#lastVersion = ring.version;
    if ((this.lineOf.get(ring.version) ?? line) !== line) wrong.push("a version has two lists");
    this.lineOf.set(ring.version, line);
    const slots = new Set<number>();
    for (const { name, slot } of ring.nodes) {
      if ((this.slots.get(name) ?? slot) !== slot) wrong.push(`${name} has another slot`);
      if (slots.has(slot)) wrong.push(`slot ${slot} is given twice`);
      this.slots.set(name, slot);
      slots.add(slot);
    }
    expect(wrong).toEqual([]);
  }

  /** What was written is read as it was. */
  #readBack(): void {
    if (this.ring !== null) expect(ringFrom(ringText(this.ring))).toEqual(this.ring);
  }

  #allSee(): void {
    const revision = this.ring?.revision ?? 0;
    for (const [name, node] of this.alive) this.alive.set(name, { ...node, revision });
  }

  /** Some that have news, and some that do not. */
  #actors(first: number): string[] {
    const names = [...this.alive.keys()];
    const ringNames = new Map(this.ring?.nodes.map((node) => [node.name, node]));
    const news = names.filter((name) => {
      const node = ringNames.get(name);
      return node === undefined || node.incarnation !== this.own.get(name)?.incarnation;
    });
    const others = Array.from(
      { length: Math.min(ACTORS, names.length) },
      (_, step) => names[(first + step * 7) % names.length] as string,
    );
    const leader = listedNodes(this.ring ?? { version: 0, revision: 0, listedAt: 0, nodes: [] });
    const firstAlive = leader.find(({ name }) => this.alive.has(name))?.name;
    return [...new Set([...news, ...others, ...(firstAlive === undefined ? [] : [firstAlive])])];
  }
}

describe("the ring of a thousand nodes", () => {
  test("a fleet that starts together is two lists, all in the order they came", () => {
    const simulation = new Simulation();
    for (let index = 0; index < NODES; index++) simulation.start(index);
    simulation.settle(0);
    simulation.seconds += 10;
    simulation.settle(0);
    const ring = simulation.ring as RingDocument;
    expect(listedNodes(ring)).toHaveLength(NODES);
    expect(listedNodes(ring).map(({ name }) => name)).toEqual([...simulation.own.keys()]);
    expect(simulation.lineOf.size).toBeLessThanOrEqual(3); // none, the first, all
    expect(ring.nodes.every(({ state }) => state === NodeState.serving)).toBe(true);
  });

  test("flapping: a hundred nodes that return within a minute change no version", () => {
    const simulation = new Simulation();
    for (let index = 0; index < NODES; index++) simulation.start(index);
    simulation.settle(0);
    simulation.seconds += 10;
    simulation.settle(0);
    const { version } = simulation;
    for (let round = 0; round < 5; round++) {
      for (let index = round; index < NODES; index += 10) simulation.kill(index);
      simulation.seconds += 20;
      simulation.settle(round);
      for (let index = round; index < NODES; index += 10) simulation.start(index);
      simulation.seconds += 20;
      simulation.settle(round * 3);
      expect(simulation.version).toBe(version);
    }
  });

  test("churn: versions grow with lists and only with them, whatever happens", () => {
    const event = fc.record({
      what: fc.constantFrom("start", "kill", "leave", "move", "pass"),
      node: fc.nat(39),
      seconds: fc.integer({ min: 0, max: 15 }),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 120 }), (events) => {
        const simulation = new Simulation();
        simulation.start(0);
        simulation.settle(0);
        for (const [index, { what, node, seconds }] of events.entries()) {
          if (what === "start") simulation.start(node);
          else if (what === "kill") simulation.kill(node);
          else if (what === "leave") simulation.leave(node);
          else if (what === "move") simulation.start(node, `moved-${index}`);
          simulation.seconds += seconds;
          if (simulation.alive.size > 0) simulation.settle(node);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/**
 * Families: how memcached's clients map keys onto nodes, each to the key as the client has it.
 *
 *   ring          points on a circle of 2^32; a key belongs to the first at or above its hash
 *   modulo        hash mod n, in the order of the list
 *   rendezvous    the node with which the key hashes highest
 *
 * A node's name is what a client was given: `host:port`, an address, or a name of its own; ketama's
 * clients leave out memcached's own port. test/interop/mapping.test.ts derives the golden vectors
 * again from the clients.
 */
import {
  crc32,
  fnv1a64Low,
  fnv1aOfDoubles,
  javaHash,
  md5,
  md5Word,
  murmur3,
  oneAtATime,
  sha1Word,
} from "./hashes.ts";

/** What a family needs to know of a node. */
export interface MappedNode {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

/** The index of the node a key belongs to, in the list that was given. */
export type Mapping = (key: string) => number;

export interface Family {
  readonly name: string;
  /** Clients known to map so. */
  readonly clients: string;
  readonly build: (nodes: readonly MappedNode[]) => Mapping;
}

const PORT_DEFAULT = 11_211;
/** libmemcached's MEMCACHED_POINTS_PER_SERVER_KETAMA: four points from each digest. */
const KETAMA_POINTS = 160;
const POINTS_PER_DIGEST = 4;
/** libmemcached's MEMCACHED_POINTS_PER_SERVER. */
const CONSISTENT_POINTS = 100;
const DALLI_POINTS = 160;
const NPM_MEMCACHE_POINTS = 50;
/** libmemcached adds this before it rounds down. */
const KETAMA_ROUNDING = 1e-10;

const fullName = ({ host, port }: MappedNode) => `${host}:${port}`;
const bareName = (node: MappedNode) => (node.port === PORT_DEFAULT ? node.host : fullName(node));

interface Point {
  readonly at: number;
  readonly node: number;
}

/** A circle of points, sorted. Points at one place keep the order of the list. */
class Ring {
  readonly #points: readonly Point[];

  constructor(points: Point[]) {
    this.#points = points.sort((a, b) => a.at - b.at);
  }

  /** The node of the first point at or above `hash`, and after the last the first. */
  above(hash: number): number {
    const index = this.#lowest((point) => point.at >= hash);
    return this.#nodeAt(index === this.#points.length ? 0 : index);
  }

  /** The node of the last point at or below `hash`, and before the first the last. */
  below(hash: number): number {
    const index = this.#lowest((point) => point.at > hash);
    return this.#nodeAt(index === 0 ? this.#points.length - 1 : index - 1);
  }

  #nodeAt(index: number): number {
    return (this.#points[index] as Point).node;
  }

  #lowest(isThere: (point: Point) => boolean): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isThere(this.#points[middle] as Point)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Digests of each node in ketama, by weight: libmemcached counts in single precision. */
function ketamaDigests(nodes: readonly MappedNode[]): number[] {
  const { fround } = Math;
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  return nodes.map(({ weight }) => {
    const share = fround(weight / total);
    const digests = fround(
      fround(fround(share * KETAMA_POINTS) / POINTS_PER_DIGEST) * nodes.length,
    );
    return Math.floor(digests + KETAMA_ROUNDING);
  });
}

function ketamaRing(nodes: readonly MappedNode[], digests: readonly number[]): Ring {
  const points: Point[] = [];
  nodes.forEach((node, index) => {
    for (let count = 0; count < (digests[index] as number); count++) {
      const digest = md5(`${bareName(node)}-${count}`);
      for (let word = 0; word < POINTS_PER_DIGEST; word++) {
        points.push({ at: md5Word(digest, word), node: index });
      }
    }
  });
  return new Ring(points);
}

const md5Key = (key: string) => md5Word(md5(key), 0);

function ketama(nodes: readonly MappedNode[]): Mapping {
  const ring = ketamaRing(nodes, ketamaDigests(nodes));
  return (key) => ring.above(md5Key(key));
}

/** twemproxy's: ketama's points, each node as many, and a hash of its own for keys. */
function twemproxy(hash: (key: string) => number) {
  return (nodes: readonly MappedNode[]): Mapping => {
    const each = KETAMA_POINTS / POINTS_PER_DIGEST;
    const ring = ketamaRing(nodes, Array(nodes.length).fill(each));
    return (key) => ring.above(hash(key));
  };
}

/** libmemcached's older ring: one hash makes points and keys. */
function consistent(hash: (text: string) => number) {
  return (nodes: readonly MappedNode[]): Mapping => {
    const ring = new Ring(
      pointsOf(nodes, CONSISTENT_POINTS, (node, count) => hash(`${bareName(node)}-${count}`)),
    );
    return (key) => ring.above(hash(key));
  };
}

function pointsOf(
  nodes: readonly MappedNode[],
  each: number,
  at: (node: MappedNode, count: number) => number,
): Point[] {
  return nodes.flatMap((node, index) =>
    Array.from({ length: each }, (_, count) => ({ at: at(node, count), node: index })),
  );
}

function modulo(hash: (key: string) => number) {
  return (nodes: readonly MappedNode[]): Mapping =>
    (key) =>
      hash(key) % nodes.length;
}

/** python-memcached keeps 15 bits of a CRC, and never 0. */
const pythonHash = (key: string) => (crc32(key) >>> 16) & 0x7fff || 1;
const memjsHash = (key: string) => Math.abs(javaHash(key));
const spyHash = (key: string) => javaHash(key) >>> 0;

function rendezvous(nodes: readonly MappedNode[]): Mapping {
  const names = nodes.map(fullName);
  return (key) => {
    let best = 0;
    let highest = -1;
    names.forEach((name, index) => {
      const value = murmur3(`${name}-${key}`);
      if (value <= highest) return;
      highest = value;
      best = index;
    });
    return best;
  };
}

/** dalli goes down the circle: the point at or below the key. */
function dalli(nodes: readonly MappedNode[]): Mapping {
  const ring = new Ring(
    pointsOf(nodes, DALLI_POINTS, (node, count) => sha1Word(`${fullName(node)}:${count}`)),
  );
  return (key) => ring.below(crc32(key));
}

/** npm memcache's points are signed, and its nodes' names end in a zero byte and a number. */
function npmMemcache(nodes: readonly MappedNode[]): Mapping {
  const ring = new Ring(
    pointsOf(nodes, NPM_MEMCACHE_POINTS, (node, count) =>
      fnv1aOfDoubles(`${fullName(node)}\0${NPM_MEMCACHE_POINTS - count}`),
    ),
  );
  return (key) => ring.above(fnv1aOfDoubles(key));
}

export const FAMILIES: readonly Family[] = [
  {
    name: "ketama",
    clients:
      "php OPT_LIBKETAMA_COMPATIBLE, pylibmc ketama_weighted, npm memcached, memcache-plus, " +
      "spymemcached ketama, twemproxy ketama with md5",
    build: ketama,
  },
  {
    name: "consistent",
    clients: "php DISTRIBUTION_CONSISTENT, pylibmc ketama",
    build: consistent(oneAtATime),
  },
  {
    name: "consistent-md5",
    clients: "php DISTRIBUTION_CONSISTENT with HASH_MD5, pylibmc ketama with md5",
    build: consistent(md5Key),
  },
  { name: "modula", clients: "php and pylibmc by default", build: modulo(oneAtATime) },
  { name: "modula-crc32", clients: "python-memcached", build: modulo(pythonHash) },
  { name: "modula-memjs", clients: "npm memjs", build: modulo(memjsHash) },
  { name: "modula-java", clients: "spymemcached by default", build: modulo(spyHash) },
  { name: "rendezvous", clients: "pymemcache HashClient", build: rendezvous },
  { name: "dalli", clients: "dalli", build: dalli },
  { name: "npm-memcache", clients: "npm memcache", build: npmMemcache },
  {
    name: "twemproxy-fnv1a-64",
    clients: "twemproxy ketama with fnv1a_64",
    build: twemproxy(fnv1a64Low),
  },
];

/** A family by its name; undefined when there is none. */
export function familyOf(name: string): Family | undefined {
  return FAMILIES.find((family) => family.name === name);
}

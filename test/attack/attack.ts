/**
 * Attacks: many clients that hold what a server must share (blocks, room, descriptors), and others
 * beside them that must be served all the same.
 *
 *   attack(title, options, run)      a test a target: shardcached, and the system's memcached
 *        open(server, n)             n sockets that read nothing until they are told to
 *        othersAreServed(server)     fresh clients store, and compare every reply
 *        memoryComesBack(server, …)  waits until the process is as small as it was
 *
 * Sizes: `npm test` runs each attack in seconds; `npm run attack` (ATTACK_SIZE=full) at the size of
 * a real one. Nothing is judged by time: a reply comes, or the attack has succeeded.
 */
import { connect, type Socket } from "node:net";
import { test } from "vitest";
import { isInstalled } from "../support/server-matrix.ts";
import { describeSpec, type ServerSpec, TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const IS_FULL = process.env["ATTACK_SIZE"] === "full";
const FULL_MILLISECONDS_MAX = 300_000;
const BOUNDED_MILLISECONDS_MAX = 60_000;

/** Clients of `othersAreServed`, and what each sends in one go. */
const OTHERS = 20;
const SETS_EACH = 60;
const MIB = 1024 * 1024;

/** The first number with the tests, the second for `npm run attack`. */
export function size(bounded: number, full: number): number {
  return IS_FULL ? full : bounded;
}

export interface AttackOptions {
  /** For either server, in memcached's spelling. */
  readonly args?: readonly string[];
  readonly ownArgs?: readonly string[];
  /** False: memcached is left out; the attack's title says why. */
  readonly oracle?: boolean;
}

/** One test a target. */
export function attack(
  title: string,
  options: AttackOptions,
  run: (server: TestServer) => Promise<void>,
): void {
  for (const spec of targets(options)) {
    const milliseconds = IS_FULL ? FULL_MILLISECONDS_MAX : BOUNDED_MILLISECONDS_MAX;
    test(`${title}: ${describeSpec(spec)}`, { timeout: milliseconds }, async () => {
      const server = await TestServer.start(spec);
      try {
        await run(server);
      } finally {
        for (const socket of sockets.splice(0)) socket.destroy();
        await server.stop();
      }
    });
  }
}

function targets({ args = [], ownArgs = [], oracle = true }: AttackOptions): ServerSpec[] {
  const base = { threads: 2, args } as const;
  const own: ServerSpec[] = (["native", "node"] as const).map((transport) => ({
    ...base,
    implementation: "shardcached",
    transport,
    ownArgs,
  }));
  if (!oracle || !isInstalled("memcached")) return own;
  return [...own, { ...base, implementation: "memcached", transport: "native" }];
}

const sockets: Socket[] = [];

/** Connects `count` sockets that read nothing until they are told to. */
export async function open(at: Pick<TestServer, "address">, count: number): Promise<Socket[]> {
  const mine = Array.from({ length: count }, () => {
    const socket = connect(at.address);
    socket.on("error", () => socket.destroy());
    socket.pause();
    sockets.push(socket);
    return socket;
  });
  await Promise.all(
    mine.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once("connect", resolve);
          socket.once("close", () => resolve());
        }),
    ),
  );
  return mine;
}

/** Each says `text`, and waits for nothing: what the server does not take stays with the sender. */
export function say(mine: readonly Socket[], text: Uint8Array | string): void {
  for (const socket of mine) if (!socket.destroyed) socket.write(text);
}

export function leave(mine: readonly Socket[]): void {
  for (const socket of mine) socket.destroy();
}

/** Fresh clients, each with a pipeline of sets and gets in one write; every reply is compared. */
export async function othersAreServed(server: TestServer, valueBytes = 100): Promise<void> {
  const value = "o".repeat(valueBytes);
  await Promise.all(
    Array.from({ length: OTHERS }, async (_, other) => {
      const client = await WireClient.connect(server);
      let asked = "";
      let answered = "";
      for (let key = 0; key < SETS_EACH; key++) {
        asked += `set other${other}:${key} 0 0 ${valueBytes}\r\n${value}\r\n`;
        answered += "STORED\r\n";
      }
      await client.ask(`${asked}mn\r\n`, `${answered}MN\r\n`);
      client.destroy();
    }),
  );
}

/** Waits until the process holds no more than `grownMib` MiB over `before`. */
export async function memoryComesBack(
  server: TestServer,
  before: number,
  grownMib: number,
): Promise<void> {
  await until(() => server.residentBytes() - before <= grownMib * MIB);
}

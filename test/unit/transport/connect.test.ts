/**
 * Connections that go out, on every transport: who hears what of them, when a server is there, is
 * not, leaves at once, and when nobody waits for it any more.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Libc } from "../../../src/libc/libc.ts";
import { AF_UNIX, SOCK_STREAM } from "../../../src/libc/linux.ts";
import {
  ADDRESS_OFFSET,
  type SocketAddress,
  writeServerAddress,
} from "../../../src/libc/socket-address.ts";
import type { LinkHandler } from "../../../src/transport/transport.ts";
import { libuvTurn, until } from "./harness.ts";
import { LOOPBACK, type World, worldsHere } from "./worlds.ts";

const SLOT_COUNT = 16;
const { ECONNREFUSED, ENAMETOOLONG, ENOBUFS, ENOENT } = constants.errno;

/** Says `greeting` once it is connected, and keeps what it hears. */
class Link implements LinkHandler {
  readonly #world: World;
  readonly #greeting: string;
  readonly log: string[] = [];
  heard = "";

  constructor(world: World, greeting = "") {
    this.#world = world;
    this.#greeting = greeting;
  }

  connected(slot: number): void {
    this.log.push("connected");
    if (this.#greeting === "") return;
    const { arena } = this.#world.handler;
    const at = arena.bytes.length - 64;
    arena.bytes.set(Buffer.from(this.#greeting), at);
    const end = at + this.#greeting.length;
    expect(this.#world.transport.send(slot, arena, at, end, false)).toBe(end - at);
  }

  failed(_slot: number, errno: number): void {
    this.log.push(`failed ${errno}`);
  }

  received(_slot: number, bytes: Uint8Array, start: number, end: number): void {
    this.heard += Buffer.from(bytes.subarray(start, end)).toString("latin1");
  }

  writable(): void {
    this.log.push("writable");
  }

  ended(slot: number): void {
    this.log.push("ended");
    this.#world.transport.close(slot);
  }
}

/** A socket bound to an abstract name. */
function abstractSocket(path: string): number {
  const libc = Libc.load();
  const fd = libc.sockets.socket(AF_UNIX, SOCK_STREAM, 0);
  const length = writeServerAddress(libc, { path });
  const address = libc.scratch.address(ADDRESS_OFFSET, length);
  expect(libc.sockets.bind(fd, address, length)).toBe(0);
  return fd;
}

for (const [name, createWorld] of worldsHere()) {
  describe(`${name}.connect()`, () => {
    let world: World;
    let folder: string;
    let server: Server | null;
    const wait = (done: () => boolean): Promise<void> => until(done, () => world.turn());

    beforeEach(() => {
      world = createWorld(SLOT_COUNT);
      folder = mkdtempSync(join(tmpdir(), "connect-"));
      server = null;
    });

    afterEach(() => {
      world.destroy();
      server?.close();
      rmSync(folder, { recursive: true });
    });

    /** A server that echoes, or leaves at once. */
    async function serve(where: ListenOptions | { fd: number }, leaves = false): Promise<number> {
      server = createServer((socket) => {
        socket.on("error", () => {});
        if (leaves) socket.end();
        else socket.pipe(socket);
      });
      await new Promise<void>((resolve) => server?.listen(where, resolve));
      return (server.address() as AddressInfo | null)?.port ?? 0;
    }

    /** What became of an attempt: said at once or in a later turn. */
    async function outcome(to: SocketAddress): Promise<string> {
      const link = new Link(world);
      const slot = world.transport.connect(to, link);
      if (slot < 0) return `failed ${-slot}`;
      expect(link.log).toEqual([]);
      await wait(() => link.log.length > 0);
      return link.log.join();
    }

    for (const host of ["127.0.0.1", "::1"]) {
      test(`is heard by its own handler, and counts as no client's (${host})`, async () => {
        const port = await serve({ host, port: 0 });
        const link = new Link(world, "hello");
        const slot = world.transport.connect({ host, port }, link);
        expect(slot).toBeGreaterThanOrEqual(0);
        await wait(() => link.heard === "hello");
        expect(link.log).toEqual(["connected"]);
        expect(world.handler.log).toEqual([]);
        expect(world.control.openConnections()).toBe(0);
        world.transport.close(slot);
        for (let i = 0; i < 10; i++) {
          world.turn();
          await libuvTurn();
        }
        expect(link.log).toEqual(["connected"]);
        expect(world.control.openConnections()).toBe(0);
      });
    }

    test("over a Unix socket, by its path or an abstract name", async () => {
      const path = join(folder, "socket");
      for (const [at, to] of [
        [path, path],
        ["", `@${path}`],
      ] as const) {
        // Node 20 binds an abstract name with all the zeros that fit behind it: another name.
        if (at === "" && name === "NodeTransport") await serve({ path: `\0${path}` });
        else await serve(at === "" ? { fd: abstractSocket(to) } : { path: at });
        const link = new Link(world, "hello");
        world.transport.connect({ path: to }, link);
        await wait(() => link.heard === "hello");
        server?.close();
      }
    });

    test("nobody listens: the errno", async () => {
      const port = await serve({ host: "127.0.0.1", port: 0 });
      await new Promise((resolve) => server?.close(resolve));
      expect(await outcome({ host: "127.0.0.1", port })).toBe(`failed ${ECONNREFUSED}`);
      expect(await outcome({ path: join(folder, "nobody") })).toBe(`failed ${ENOENT}`);
      writeFileSync(join(folder, "file"), "");
      expect(await outcome({ path: join(folder, "file") })).toBe(`failed ${ECONNREFUSED}`);
      expect(await outcome({ path: "p".repeat(108) })).toBe(`failed ${ENAMETOOLONG}`);
      expect(world.control.openConnections()).toBe(0);
    });

    test("a server that leaves at once: connected, then ended", async () => {
      const port = await serve({ host: "127.0.0.1", port: 0 }, true);
      const link = new Link(world);
      world.transport.connect({ host: "127.0.0.1", port }, link);
      await wait(() => link.log.length === 2);
      expect(link.log).toEqual(["connected", "ended"]);
    });

    test("as many as there are slots; one more fails at once; a slot is used again", async () => {
      const port = await serve({ host: "127.0.0.1", port: 0 });
      const to = { host: "127.0.0.1", port };
      for (let round = 0; round < 3; round++) {
        const links = Array.from({ length: SLOT_COUNT }, (_, i) => new Link(world, `link ${i}`));
        const slots = links.map((link) => world.transport.connect(to, link));
        expect(new Set(slots).size).toBe(SLOT_COUNT);
        expect(world.transport.connect(to, new Link(world))).toBe(-ENOBUFS);
        await wait(() => links.every((link, i) => link.heard === `link ${i}`));
        for (const slot of slots) world.transport.close(slot);
        const again = new Link(world);
        let slot = -1;
        await wait(() => {
          if (slot < 0) slot = world.transport.connect(to, again);
          return again.log.length > 0;
        });
        world.transport.close(slot);
        await wait(() => {
          const probe = slots.map(() => world.transport.connect(to, new Link(world)));
          for (const taken of probe) if (taken >= 0) world.transport.close(taken);
          return probe.every((taken) => taken >= 0);
        });
        for (let i = 0; i < 10; i++) {
          world.turn();
          await libuvTurn();
        }
      }
    });

    test("closed while it connects: nobody hears of it again", async () => {
      const port = await serve({ host: "127.0.0.1", port: 0 });
      for (const to of [
        { host: "127.0.0.1", port },
        { host: "127.0.0.1", port: 1 },
      ]) {
        const link = new Link(world);
        const slot = world.transport.connect(to, link);
        if (slot < 0) continue;
        const { arena } = world.handler;
        expect(world.transport.send(slot, arena, 0, 1, false)).toBe(0);
        world.transport.close(slot);
        for (let i = 0; i < 20; i++) {
          world.turn();
          await libuvTurn();
        }
        expect(link.log).toEqual([]);
      }
    });

    test("beside clients' connections, each heard by its own", async () => {
      const port = await world.listen(LOOPBACK, SLOT_COUNT, true);
      const link = new Link(world, "to ourselves");
      world.transport.connect({ host: "127.0.0.1", port }, link);
      await wait(() => link.heard === "to ourselves");
      expect(world.handler.log).toEqual(["opened 0"]);
      expect(world.control.openConnections()).toBe(1);
    });
  });
}

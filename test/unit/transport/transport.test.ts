/**
 * Every transport over real sockets of the loopback interface: what a client can do, and what it
 * must see.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket, type SocketConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ACCEPT_RETRY_MS, TOO_MANY_CONNECTIONS } from "../../../src/listen/acceptor.ts";
import { libuvTurn, until } from "./harness.ts";
import { LOOPBACK, type World, worldsHere } from "./worlds.ts";

/** A client that keeps what it gets. */
class Client {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  bytes = 0;
  isConnected = false;
  isEnded = false;

  constructor(to: SocketConnectOpts) {
    this.socket = connect({ ...to, allowHalfOpen: true });
    this.socket.on("connect", () => {
      this.isConnected = true;
    });
    this.socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.bytes += chunk.length;
    });
    for (const event of ["end", "error", "close"]) {
      this.socket.on(event, () => {
        this.isEnded = true;
      });
    }
  }

  received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** Bytes in which every position differs from its neighbours, so that a loss or a swap shows. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 7) & 0xff;
  return bytes;
}

const SLOT_COUNT = 16;

for (const [name, createWorld] of worldsHere()) {
  describe(name, () => {
    let world: World;
    const clients: Client[] = [];
    const turn = (): void => world.turn();
    const wait = (done: () => boolean): Promise<void> => until(done, turn);

    beforeEach(() => {
      world = createWorld(SLOT_COUNT);
    });

    afterEach(() => {
      for (const { socket } of clients.splice(0)) socket.destroy();
      world.destroy();
    });

    async function served(connectionsMax = SLOT_COUNT, refuse = true): Promise<number> {
      return world.listen(LOOPBACK, connectionsMax, refuse);
    }

    function client(port: number): Client {
      const made = new Client({ port, host: "127.0.0.1" });
      clients.push(made);
      return made;
    }

    test("echoes, and counts the connection open until it is closed", async () => {
      const one = client(await served());
      one.socket.write("hello");
      await wait(() => one.received().toString() === "hello");
      expect(world.handler.log).toEqual(["opened 0"]);
      expect(world.control.openConnections()).toBe(1);
      one.socket.end();
      await wait(() => one.isEnded && world.control.openConnections() === 0);
      expect(world.handler.log).toEqual(["opened 0", "ended"]);
    });

    test("tells the address of the peer and its own as memcached prints them", async () => {
      const port = await served();
      const one = client(port);
      await wait(() => one.isConnected && world.handler.openCount === 1);
      const [[slot, peer]] = [...world.handler.peers] as [[number, string]];
      expect(peer).toBe(`tcp:127.0.0.1:${one.socket.localPort}`);
      expect(world.transport.localAddress(slot)).toBe(`tcp:127.0.0.1:${port}`);
    });

    test("delivers bytes that come one at a time", async () => {
      const one = client(await served());
      one.socket.setNoDelay(true);
      const text = "get a\r\n";
      for (let i = 0; i < text.length; i++) {
        one.socket.write(text.charAt(i));
        await wait(() => one.bytes === i + 1);
      }
      expect(one.received().toString()).toBe(text);
    });

    test("keeps every byte in order for a reader that stops reading", async () => {
      const one = client(await served());
      const sent = pattern(12 << 20);
      one.socket.pause();
      one.socket.write(sent);
      await wait(() => world.handler.log.includes("blocked"));
      one.socket.resume();
      await wait(() => one.bytes === sent.length);
      expect(one.received().equals(sent)).toBe(true);
      expect(world.handler.log.at(-1)).toBe("drained");
    });

    test("receives nothing while paused, and everything after resume", async () => {
      const one = client(await served());
      one.socket.write("a");
      await wait(() => one.bytes === 1);
      const [slot] = world.handler.peers.keys() as unknown as [number];
      world.transport.pause(slot as number);
      const sent = pattern(100_000);
      one.socket.write(sent);
      for (let i = 0; i < 50; i++) {
        turn();
        await libuvTurn();
      }
      expect(one.bytes).toBe(1);
      world.transport.resume(slot as number);
      await wait(() => one.bytes === 1 + sent.length);
      expect(one.received().subarray(1).equals(sent)).toBe(true);
    });

    test("answers what came before a half-close, then ends", async () => {
      const one = client(await served());
      one.socket.end("last words");
      await wait(() => one.isEnded);
      expect(one.received().toString()).toBe("last words");
      expect(world.handler.log).toEqual(["opened 0", "ended"]);
    });

    test("ends a connection that is reset, once", async () => {
      const one = client(await served());
      one.socket.write("x");
      await wait(() => one.bytes === 1);
      one.socket.resetAndDestroy();
      await wait(() => world.control.openConnections() === 0);
      expect(world.handler.log).toEqual(["opened 0", "ended"]);
    });

    test("a reset while blocked and paused ends the connection", async () => {
      const one = client(await served());
      one.socket.pause();
      one.socket.write(pattern(12 << 20));
      await wait(() => world.handler.log.includes("blocked"));
      one.socket.resetAndDestroy();
      await wait(() => world.control.openConnections() === 0);
      expect(world.handler.openCount).toBe(0);
    });

    test("who waits for room when its connection is reset is told to send, and that it is gone", async () => {
      const one = client(await served());
      world.handler.ended = () => {}; // closes nothing: there is something to be sent yet
      one.socket.pause();
      one.socket.write(pattern(12 << 20));
      await wait(() => world.handler.log.includes("blocked"));
      one.socket.resetAndDestroy();
      await wait(() => world.handler.openCount === 0 && world.control.openConnections() === 0);
    });

    test("refuses what is over the limit in memcached's words", async () => {
      const port = await served(2);
      const kept = [client(port), client(port)];
      for (const one of kept) one.socket.write("x");
      await wait(() => kept.every((one) => one.bytes === 1));
      const third = client(port);
      await wait(() => third.isEnded);
      expect(third.received().toString()).toBe(TOO_MANY_CONNECTIONS);
      expect(world.rejected()).toBe(1);
      expect(world.control.openConnections()).toBe(2);
    });

    test("leaves what is over the limit waiting, in the mode that waits", async () => {
      const port = await served(1, false);
      const first = client(port);
      first.socket.write("1");
      await wait(() => first.bytes === 1);
      const second = client(port);
      second.socket.write("2");
      await wait(() => second.isConnected);
      for (let i = 0; i < 20; i++) {
        turn();
        await libuvTurn();
      }
      expect(second.bytes).toBe(0);
      first.socket.destroy();
      await wait(() => second.bytes === 1);
      expect(world.rejected()).toBe(0);
    });

    test("tells of a stall once, however often it tries again, and when it is over", async () => {
      const port = await served(1, false);
      const first = client(port);
      first.socket.write("1");
      await wait(() => first.bytes === 1);
      const second = client(port);
      second.socket.write("2");
      await wait(() => world.stalls.length > 0);
      const since = performance.now();
      await wait(() => performance.now() - since > 5 * ACCEPT_RETRY_MS);
      expect(world.stalls).toEqual(["limit"]);
      first.socket.destroy();
      await wait(() => second.bytes === 1);
      second.socket.destroy();
      await wait(() => world.stalls.length > 1);
      expect(world.stalls).toEqual(["limit", null]);
    });

    test("uses a slot again after its connection has gone", async () => {
      const port = await served();
      for (let round = 0; round < 3 * SLOT_COUNT; round++) {
        const one = client(port);
        one.socket.write("x");
        await wait(() => one.bytes === 1);
        one.socket.destroy();
        await wait(() => world.control.openConnections() === 0);
      }
      expect(Math.max(...world.handler.peers.keys())).toBeLessThan(SLOT_COUNT);
    });

    test("the turn's answer is obeyed: a short sleep ends by itself", async () => {
      await served();
      world.handler.sleepMs = 1;
      const before = world.handler.turns;
      await wait(() => world.handler.turns > before + 3);
      expect(world.handler.awakes).toBeGreaterThan(0);
    });

    describe("over a Unix socket", () => {
      let folder: string;

      beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "transport-"));
      });

      afterEach(() => {
        rmSync(folder, { recursive: true });
      });

      test("echoes, with the mode asked for, in place of a socket left behind", async () => {
        const path = join(folder, "socket");
        const target = { kind: "unix", path, mode: 0o640 } as const;
        await world.listen(target, SLOT_COUNT, true);
        world.destroy();
        world = createWorld(SLOT_COUNT);
        await world.listen(target, SLOT_COUNT, true);
        expect(statSync(path).mode & 0o777).toBe(0o640);
        const one = new Client({ path });
        clients.push(one);
        one.socket.end("through a path");
        await wait(() => one.isEnded);
        expect(one.received().toString()).toBe("through a path");
        expect([...world.handler.peers.values()]).toEqual(["?:<AF 0>"]);
      });

      test("a file that is no socket is left alone, and named", async () => {
        const path = join(folder, "file");
        writeFileSync(path, "precious");
        const target = { kind: "unix", path, mode: 0o700 } as const;
        await expect(world.listen(target, SLOT_COUNT, true)).rejects.toThrow(
          `failed to listen on UNIX socket: ${path}: Address already in use`,
        );
        expect(statSync(path).size).toBe(8);
      });
    });

    test("a port in use is one line of memcached's words, with its exit code", async () => {
      const port = await served();
      const target = { kind: "tcp", host: "127.0.0.1", port } as const;
      const other = createWorld(1);
      try {
        await expect(other.listen(target, 1, true)).rejects.toMatchObject({
          message: `failed to listen on TCP port ${port}: Address already in use`,
          exitCode: 71,
        });
      } finally {
        other.destroy();
      }
    });

    test("an address that is not ours names the call that failed", async () => {
      const target = { kind: "tcp", host: "192.0.2.1", port: 0 } as const;
      await expect(world.listen(target, 1, true)).rejects.toThrow(
        "bind(): Cannot assign requested address\n" +
          "failed to listen on TCP port 0: Cannot assign requested address",
      );
    });

    test("all addresses of the machine: one port for each family it has", async () => {
      const port = await world.listen({ kind: "tcp", host: null, port: 0 }, SLOT_COUNT, true);
      expect(port).toBeGreaterThan(0);
      const one = client(port);
      one.socket.write("v4");
      await wait(() => one.bytes === 2);
    });
  });
}

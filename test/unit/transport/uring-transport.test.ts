/** What is io_uring's own: lent buffers, send blocks, requests that outlive a close. */
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nativeKind, nativeProblem } from "../../../src/transport/native-transport.ts";
import {
  RECEIVE_BUFFER_BYTES,
  RECEIVE_COUNT,
  SEND_BLOCK_BYTES,
  SEND_BLOCK_COUNT,
} from "../../../src/transport/uring/uring-plan.ts";
import { UringTransport } from "../../../src/transport/uring/uring-transport.ts";
import { libuvTurn, until } from "./harness.ts";
import { NativeHarness } from "./native-harness.ts";

const SLOT_COUNT = 1024;

const problem = nativeProblem("uring");

// Where the kernel forbids io_uring there is nothing to test but that it says so.
describe.runIf(problem === null)("UringTransport", () => {
  let native: NativeHarness;
  let port: number;
  const clients: Socket[] = [];
  const turn = (): void => native.turn();

  beforeEach(async () => {
    native = new NativeHarness(SLOT_COUNT, UringTransport);
    port = await native.listen(SLOT_COUNT);
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
    native.destroy();
  });

  async function connected(count: number): Promise<{ socket: Socket; bytes: number }[]> {
    const made = Array.from({ length: count }, () => {
      const client = { socket: connect(port, "127.0.0.1"), bytes: 0 };
      client.socket.on("data", (chunk) => {
        client.bytes += chunk.length;
      });
      client.socket.on("error", () => {});
      clients.push(client.socket);
      return client;
    });
    await until(() => native.handler.openCount === count, turn);
    return made;
  }

  test("serves more sockets at once than there are buffers and send blocks", async () => {
    const count = SEND_BLOCK_COUNT + RECEIVE_COUNT;
    const made = await connected(count);
    for (let round = 1; round <= 3; round++) {
      for (const { socket } of made) socket.write("x");
      for (let i = 0; i < 5; i++) await libuvTurn(); // all of it waits before the next turn
      await until(() => made.every(({ bytes }) => bytes === round), turn);
    }
  });

  test("a stream longer than all buffers together arrives whole", async () => {
    const [client] = await connected(1);
    const total = 3 * RECEIVE_COUNT * RECEIVE_BUFFER_BYTES;
    client?.socket.write(Buffer.alloc(total, 7));
    await until(() => client?.bytes === total, turn);
    expect(native.handler.bytesReceived).toBe(total);
  });

  test("several sends of a turn leave in order, as one", async () => {
    const [client] = await connected(1);
    const { transport, handler } = native;
    const chunks: Buffer[] = [];
    client?.socket.on("data", (chunk) => chunks.push(chunk));
    const bytes = Buffer.from("abcdefghij");
    handler.arena.bytes.set(bytes, 1 << 20);
    const [slot] = [...handler.peers.keys()] as [number];
    for (let i = 0; i < bytes.length; i++) {
      const at = (1 << 20) + i;
      expect(transport.send(slot, handler.arena, at, at + 1, false)).toBe(1);
    }
    await until(() => client?.bytes === bytes.length, turn);
    expect(Buffer.concat(chunks).toString()).toBe("abcdefghij");
  });

  test("a send block that is full takes what fits, and says when there is room", async () => {
    const [client] = await connected(1);
    const { transport, handler } = native;
    const [slot] = [...handler.peers.keys()] as [number];
    let writable = 0;
    handler.writable = () => writable++;
    const at = 1 << 20;
    expect(transport.send(slot, handler.arena, at, at + 100, false)).toBe(100);
    const rest = SEND_BLOCK_BYTES - 100;
    expect(transport.send(slot, handler.arena, at, at + SEND_BLOCK_BYTES, false)).toBe(rest);
    expect(transport.send(slot, handler.arena, at, at + 1, false)).toBe(0);
    await until(() => writable === 1 && client?.bytes === SEND_BLOCK_BYTES, turn);
  });

  test("what was sent before a close is delivered", async () => {
    const [client] = await connected(1);
    const { transport, handler } = native;
    const [slot] = [...handler.peers.keys()] as [number];
    const at = 1 << 20;
    transport.send(slot, handler.arena, at, at + 5000, false);
    transport.close(slot);
    expect(transport.send(slot, handler.arena, at, at + 1, false)).toBeLessThan(0);
    await until(() => native.control.openConnections() === 0, turn);
    await until(() => client?.bytes === 5000 && client.socket.closed, turn);
  });

  test("bytes that come while it pauses are kept in order, and so is the end", async () => {
    const [client] = await connected(1);
    const { transport, handler } = native;
    const [slot] = [...handler.peers.keys()] as [number];
    const chunks: Buffer[] = [];
    client?.socket.on("data", (chunk) => chunks.push(chunk));
    // The cancellation leaves with the next turn: what is sent before it still comes.
    transport.pause(slot);
    client?.socket.end("held back");
    await libuvTurn();
    for (let i = 0; i < 20; i++) {
      turn();
      await libuvTurn();
    }
    expect(handler.bytesReceived).toBe(0);
    expect(handler.log).toEqual(["opened 0"]);
    transport.resume(slot);
    await until(() => client?.bytes === "held back".length, turn);
    await until(() => handler.log.includes("ended"), turn);
    expect(Buffer.concat(chunks).toString()).toBe("held back");
  });

  test("pausing and resuming at once loses nothing", async () => {
    const [client] = await connected(1);
    const { transport, handler } = native;
    const [slot] = [...handler.peers.keys()] as [number];
    for (let round = 1; round <= 100; round++) {
      client?.socket.write("y");
      transport.pause(slot);
      if (round % 3 === 0) await libuvTurn();
      if (round % 2 === 0) turn();
      transport.resume(slot);
      await until(() => client?.bytes === round, turn);
    }
    expect(handler.bytesReceived).toBe(100);
  });
});

describe("nativeKind() and nativeProblem()", () => {
  test("a forced name is obeyed, any other is the usual one", () => {
    expect(nativeKind("uring")).toBe("uring");
    expect(nativeKind("epoll")).toBe("epoll");
    expect(nativeKind("auto")).toBe(nativeKind("native"));
  });

  test("epoll serves wherever libc does", () => {
    expect(nativeProblem("epoll")).toBe(null);
  });

  test("io_uring serves here or says why not, and the probe leaves no descriptor open", () => {
    const before = openDescriptors();
    expect(nativeProblem("uring") ?? "io_uring").toContain("io_uring");
    expect(openDescriptors()).toBe(before);
  });
});

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

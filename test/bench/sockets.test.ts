/** The generator's sockets: what one connection was about to say is never said by another. */
import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { connect, kernelMemory } from "../../bench/load/libc.ts";
import { openSockets } from "../../bench/load/open-sockets.ts";
import type { Sockets } from "../../bench/load/sockets.ts";
import { CACHE_LINE_BYTES, roundUp } from "../../src/base/unit.ts";
import { URING_BYTES } from "../../src/transport/uring/uring-plan.ts";

const ROOM_BYTES = 4096;
const RING_BYTES = roundUp(URING_BYTES, CACHE_LINE_BYTES);
const WAIT_MILLISECONDS = 5;

describe.each(["epoll", "auto"] as const)("sockets (%s)", (kind) => {
  test("a descriptor's number that is used again does not get the old one's bytes", async () => {
    const heard: string[] = [];
    const server = createServer((socket: Socket) => {
      const index = heard.push("") - 1;
      socket.on("data", (bytes) => {
        heard[index] += String(bytes);
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const target = { host: "127.0.0.1", port };
    const memory = kernelMemory(RING_BYTES + ROOM_BYTES);
    const sockets: Sockets = openSockets(2, memory, kind);
    const say = (slot: number, text: string): void => {
      const at = RING_BYTES + slot * (ROOM_BYTES / 2);
      memory.arena.bytes.set(Buffer.from(text), at);
      sockets.send(slot, at, text.length);
    };
    sockets.attach(0, connect(target));
    say(0, "old");
    sockets.attach(0, connect(target)); // closes the old one
    sockets.attach(1, connect(target)); // gets its number
    say(1, "new");
    await expect
      .poll(() => {
        sockets.wait(WAIT_MILLISECONDS);
        return heard[2];
      })
      .toBe("new");
    expect(heard).toEqual(["old", "", "new"]);
    sockets.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

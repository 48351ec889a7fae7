import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { type DatagramReply, DatagramSession } from "../../../src/primary/datagram-session.ts";

const PEER = { family: "IPv4", address: "127.0.0.1", port: 40_000 } as const;

function session(payload: string, replyBytesMax: number) {
  const replies: DatagramReply[] = [];
  const socket = new DatagramSession(Buffer.from(payload), PEER, replyBytesMax, (reply) =>
    replies.push(reply),
  );
  return { socket, replies };
}

describe("DatagramSession", () => {
  test("is its payload, then the end, and stays open for the answer", async () => {
    const { socket, replies } = session("get a\r\n", 100);
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    await once(socket, "end");
    expect(Buffer.concat(parts).toString()).toBe("get a\r\n");
    expect(socket.writable).toBe(true);
    expect(replies).toEqual([]);
  });

  test("gathers what is written and hands it over once, when it is destroyed", async () => {
    const { socket, replies } = session("x", 100);
    socket.write("STORED\r\n");
    socket.write("END\r\n");
    expect(socket.writableLength).toBe(0);
    socket.destroy();
    socket.destroy();
    await once(socket, "close");
    expect(replies).toEqual([{ bytes: Buffer.from("STORED\r\nEND\r\n"), isRefused: false }]);
  });

  test("keeps no more than the beginning of a reply over the limit, and ends", async () => {
    const { socket, replies } = session("x", 10);
    socket.write("123456");
    socket.write("78901");
    expect(socket.destroyed).toBe(true);
    await once(socket, "close");
    expect(replies).toEqual([{ bytes: Buffer.from("123456"), isRefused: true }]);
  });

  test("a reply of the limit is no refusal", async () => {
    const { socket, replies } = session("x", 10);
    socket.write("1234567890");
    socket.destroySoon();
    await once(socket, "close");
    expect(replies[0]?.isRefused).toBe(false);
  });
});

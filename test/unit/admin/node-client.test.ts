import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { NodeClient } from "../../../src/admin/node-client.ts";

let server: Server;
let client: NodeClient;
const sockets: Socket[] = [];

/** A node that answers as `answer` does, one chunk at a time. */
async function node(answer: (socket: Socket, asked: string) => void): Promise<void> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => answer(socket, chunk.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  client = new NodeClient({ host: "127.0.0.1", port });
}

afterEach(async () => {
  client.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

describe("NodeClient", () => {
  test("reads an item whose value holds line ends and whose answer comes in pieces", async () => {
    const value = "a\r\nEN\r\nb";
    await node((socket) => {
      socket.write(`VA ${value.length} f0 c9 t-1 l0 h0 s5\r`);
      setImmediate(() => socket.write(`\n${value.slice(0, 3)}`));
      setTimeout(() => socket.write(`${value.slice(3)}\r\n`), 5);
    });
    const item = await client.read(Buffer.from("k"));
    expect(item?.value.toString()).toBe(value);
    expect(item).toMatchObject({ ttl: -1, cas: "9", fetched: false });
  });

  test("answers go to who asked, in order, over one connection", async () => {
    await node((socket, asked) => {
      const count = asked.split("\r\n").length - 1;
      socket.write(
        Array.from({ length: count }, (_, at) => (at % 2 === 0 ? "HD\r\n" : "NF\r\n")).join(""),
      );
    });
    const first = client.delete(Buffer.from("a"));
    const answers = await Promise.all([first, client.flush(), client.delete(Buffer.from("c"))]);
    expect(answers.every((answer) => answer === "HD" || answer === "NF")).toBe(true);
    expect(sockets).toHaveLength(1);
  });

  test("keys go in base64, so no byte of a key is ever a command", async () => {
    let asked = "";
    await node((socket, text) => {
      asked += text;
      socket.write("NF\r\n");
    });
    await client.delete(Buffer.from("x\r\nflush_all\r\n"));
    expect(asked).toBe(`md ${Buffer.from("x\r\nflush_all\r\n").toString("base64")} b\r\n`);
  });

  test("a node that closes fails who waits, and the next request connects anew", async () => {
    let refuse = true;
    await node((socket) => {
      if (refuse) socket.destroy();
      else socket.write("OK\r\n");
    });
    await expect(client.flush()).rejects.toThrow("closed the connection");
    refuse = false;
    expect(await client.flush()).toBe("OK");
  });
});

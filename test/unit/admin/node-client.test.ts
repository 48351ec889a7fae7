import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Guard } from "../../../src/admin/guard.ts";
import { type Login, NodeClient } from "../../../src/admin/node-client.ts";

let server: Server;
let client: NodeClient;
const sockets: Socket[] = [];

/** A node that answers as `answer` does, one chunk at a time. */
async function node(
  answer: (socket: Socket, asked: string) => void,
  login: Login = () => null,
): Promise<void> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => answer(socket, chunk.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  client = new NodeClient({ host: "127.0.0.1", port }, new Guard(() => {}), login);
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
    const item = await client.read(Buffer.from("k"), 100);
    expect(item?.value.toString()).toBe(value);
    expect(item).toMatchObject({ ttl: -1, cas: "9", fetched: false });
  });

  test("hangs up as soon as it has what was asked for of a long value", async () => {
    const whole = 100 * 1024 * 1024;
    let written = 0;
    await node((socket) => {
      socket.write(`VA ${whole} f0 c9 t-1 l0 h0 s${whole}\r\n`);
      const chunk = Buffer.alloc(64 * 1024, "x");
      const pump = (): void => {
        while (!socket.destroyed && written < whole && socket.write(chunk)) written += chunk.length;
      };
      socket.on("drain", pump);
      pump();
    });
    const item = await client.read(Buffer.from("k"), 1000);
    expect(item?.value).toEqual(Buffer.alloc(1000, "x"));
    expect(item?.valueBytes).toBe(whole);
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
    expect(written).toBeLessThan(whole / 2);
  });

  test("says what the node says when it is no item", async () => {
    await node((socket) => void socket.write("CLIENT_ERROR unauthenticated\r\n"));
    await expect(client.read(Buffer.from("k"), 100)).rejects.toThrow("CLIENT_ERROR unauthentic");
  });

  test("logs in where the cache asks for it, on either kind of connection", async () => {
    const login = () => ({ user: Buffer.from("ann"), password: Buffer.from("a b") });
    let known = false;
    await node((socket, asked) => {
      for (const line of asked.split("\r\n").filter((each) => each !== "")) {
        if (line === "ann a b") {
          known = true;
          socket.write("STORED\r\n");
        } else if (line.startsWith("mg")) socket.write(known ? "EN\r\n" : "CLIENT_ERROR\r\n");
        else if (line.startsWith("md")) socket.write(known ? "NF\r\n" : "CLIENT_ERROR\r\n");
      }
    }, login);
    expect(await client.read(Buffer.from("k"), 100)).toBeNull();
    known = false;
    expect(await client.delete(Buffer.from("k"))).toBe("NF");
    expect(await client.delete(Buffer.from("k"))).toBe("NF");
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

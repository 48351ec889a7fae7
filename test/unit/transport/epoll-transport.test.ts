/** EpollTransport over real sockets of the loopback interface. */
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./harness.ts";
import { NativeHarness } from "./native-harness.ts";

describe("EpollTransport", () => {
  let native: NativeHarness;
  let port: number;
  const clients: Socket[] = [];

  beforeEach(async () => {
    native = new NativeHarness();
    port = await native.listen();
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
    native.destroy();
  });

  function client(): { socket: Socket; received: Buffer[]; ended: () => boolean } {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const received: Buffer[] = [];
    let isEnded = false;
    socket.on("data", (chunk) => received.push(chunk));
    socket.on("end", () => {
      isEnded = true;
    });
    socket.on("error", () => {
      isEnded = true;
    });
    clients.push(socket);
    return { socket, received, ended: () => isEnded };
  }

  const turn = () => native.turn();

  test("echoes what a client sends", async () => {
    const { socket, received } = client();
    socket.write("hello");
    await until(() => Buffer.concat(received).toString() === "hello", turn);
    expect(native.handler.log).toEqual(["opened 0"]);
    expect(native.control.openConnections()).toBe(1);
  });
});

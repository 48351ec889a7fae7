/** NodeTransport over real sockets of the loopback interface. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MIB } from "../../../src/base/unit.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { NodeAcceptor } from "../../../src/transport/node-acceptor.ts";
import { NodeTransport } from "../../../src/transport/node-transport.ts";
import { EchoHandler, INPUT_BYTES, testControl, until } from "./harness.ts";

describe("NodeTransport", () => {
  const arena = new Arena(new SharedArrayBuffer(2 * MIB));
  let handler: EchoHandler;
  let transport: NodeTransport;
  let acceptor: NodeAcceptor;
  let port: number;
  const { control, arena: controlArena } = testControl();

  beforeEach(async () => {
    transport = new NodeTransport({
      slotCount: 16,
      control,
      input: { arena, offset: 0, bytes: INPUT_BYTES },
      bell: { ints: controlArena.ints, word: control.sleepWord(1) },
    });
    handler = new EchoHandler(arena, MIB);
    handler.transport = transport;
    handler.sleepMs = -1;
    acceptor = new NodeAcceptor({
      control,
      transport,
      connectionsMax: 8,
      refuse: true,
      rejected: () => {},
    });
    const target = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const [listener] = await acceptor.listen(target, { backlog: 16, interfaces: null });
    port = listener?.port ?? 0;
    transport.start(handler, handler);
    acceptor.start();
  });

  afterEach(() => {
    acceptor.stop();
    transport.destroy();
  });

  test("echoes what a client sends", async () => {
    const socket = connect(port, "127.0.0.1");
    const received: Buffer[] = [];
    socket.on("data", (chunk) => received.push(chunk));
    socket.write("hello");
    await until(() => Buffer.concat(received).toString() === "hello");
    expect(handler.log).toEqual(["opened 0"]);
    socket.destroy();
    await until(() => control.openConnections() === 0);
  });
});

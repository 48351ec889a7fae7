/**
 * Slow readers: connections that ask for far more than a socket holds, and read none of it.
 *
 *   get big get big …     the replies that the kernel does not take wait in blocks of the thread's
 *
 * They must not take the blocks that others' pipelines need, and what they took comes back.
 */
import { expect } from "vitest";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";
import { attack, leave, memoryComesBack, open, othersAreServed, say, size } from "./attack.ts";

const VALUE_BYTES = 100_000;
/** 20 MB of replies: more than the kernel keeps for a socket. */
const GETS_EACH = 200;
/** What the runtime itself may have grown by. */
const GROWN_MIB_MAX = 64;

const options = { args: ["-m", "256", "-o", "read_buf_mem_limit=64"] };
attack("slow readers cut nobody else off", options, async (server) => {
  const before = server.residentBytes();
  const writer = await WireClient.connect(server);
  const value = "v".repeat(VALUE_BYTES);
  await writer.ask(`set big 0 0 ${VALUE_BYTES}\r\n${value}\r\n`, "STORED\r\n");
  const mine = await open(server, size(60, 270));
  say(mine, "get big\r\n".repeat(GETS_EACH));
  await until(() => mine.every((socket) => socket.destroyed || socket.writableLength === 0));
  await server.atRest();
  await othersAreServed(server);
  await writer.ask("get big\r\n", `VALUE big 0 ${VALUE_BYTES}\r\n${value}\r\nEND\r\n`);
  expect(writer.hasEnded).toBe(false);
  writer.destroy();
  leave(mine);
  // Under node:net what waits for a socket is V8's, which gives memory back when it sees fit: there
  // only that others are served is asked.
  const isOurs = !server.isOracle && server.spec.transport === "native";
  if (isOurs) await memoryComesBack(server, before, GROWN_MIB_MAX);
});

/**
 * How fast connections are accepted and handed over, to compare the two ways a primary can do it:
 *
 *   node dist/bench/micro/syscalls-accept.js acceptor     libuv poll, accept4 until dry (src/listen/acceptor.ts)
 *   node dist/bench/micro/syscalls-accept.js server       net.Server, whose descriptors would then be duplicated
 *
 * Clients come from a child process of this one that connects and closes as fast as it can. Each
 * descriptor is closed as soon as it is dealt, so only accepting is measured. Prints connections a
 * second and CPU per connection.
 */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { MIB } from "../../src/base/unit.ts";
import { Libc } from "../../src/libc/libc.ts";
import { AF_INET, SOCK_STREAM } from "../../src/libc/linux.ts";
import { ADDRESS_OFFSET, writeInetAddress } from "../../src/libc/socket-address.ts";
import { Acceptor } from "../../src/listen/acceptor.ts";
import { listenNative } from "../../src/listen/listen.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Control } from "../../src/memory/control.ts";

const SECONDS = 3;
const [, , kind = "acceptor", clientPort] = process.argv;
const libc = Libc.load();

if (kind === "client") connectForever(Number(clientPort));
else await serve();

/**
 * A blocking client: connect, close, again. A port is free again at once, since it closes by reset.
 */
function connectForever(port: number): never {
  const { scratch } = libc;
  const length = writeInetAddress(libc, "127.0.0.1", port);
  const address = scratch.address(ADDRESS_OFFSET, length);
  const linger = scratch.address(0, 8);
  scratch.arena.words.set([1, 0], 0); // struct linger { on, 0 seconds }
  while (true) {
    const fd = libc.sockets.socket(AF_INET, SOCK_STREAM, 0);
    libc.sockets.setsockopt(fd, 1, 13, linger, 8);
    if (libc.sockets.connect(fd, address, length) < 0) process.exit(0);
    libc.files.close(fd);
  }
}

async function serve(): Promise<void> {
  let accepted = 0;
  let port: number;
  if (kind === "acceptor") {
    const control = new Control(new Arena(new SharedArrayBuffer(MIB)), 0);
    const target = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const listeners = await listenNative(libc, target, { backlog: 1024, interfaces: null });
    port = listeners[0]?.port ?? 0;
    const deal = (fd: number): boolean => {
      accepted++;
      libc.files.close(fd);
      control.addOpenConnections(-1);
      return true;
    };
    const options = { libc, control, listeners, connectionsMax: 1024, refuse: true, deal };
    new Acceptor({ ...options, rejected: () => {}, stalled: () => {} }).start();
  } else {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      accepted++;
      socket.on("error", () => {});
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 1024, resolve));
    port = (server.address() as { port: number }).port;
  }
  const client = spawn(process.execPath, [process.argv[1] as string, "client", String(port)]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = accepted;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const count = accepted - before;
  client.kill();
  console.log(
    `${kind}: ${Math.round(count / seconds)} connections/s, ` +
      `${((used.user + used.system) / count).toFixed(1)} us CPU each`,
  );
  process.exit(0);
}

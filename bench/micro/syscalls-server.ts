/**
 * A server that costs almost nothing but its sockets, to compare transports by their CPU time per
 * request:
 *
 *   node dist/bench/micro/syscalls-server.js epoll|uring [port]
 *
 * It answers every line with one hit of 100 bytes, whatever the key. On SIGINT, or when its
 * standard input ends, it prints requests, CPU per request, and requests per turn. Any memcached
 * load generator may drive it:
 *
 *   node dist/bench/load/main.js 127.0.0.1:PORT --no-preload --reads 1 --depth 32 --duration 5
 */
import { writeSync } from "node:fs";
import { KIB, MIB } from "../../src/base/unit.ts";
import { Libc } from "../../src/libc/libc.ts";
import { EFD_NONBLOCK, SOCK_NONBLOCK } from "../../src/libc/linux.ts";
import { NULL } from "../../src/libc/native-memory.ts";
import { listenNative } from "../../src/listen/listen.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { EpollTransport } from "../../src/transport/epoll/epoll-transport.ts";
import { NativeParts, planNative } from "../../src/transport/native-plan.ts";
import type { TransportHandler } from "../../src/transport/transport.ts";
import { UringTransport } from "../../src/transport/uring/uring-transport.ts";

const SLOT_COUNT = 1024;
const LINE_END = 10;
const REPLY = Buffer.from(`VALUE key:00000000 0 100\r\n${"v".repeat(100)}\r\nEND\r\n`);
/** Turns between two looks for new connections and for the end. */
const ACCEPT_TURNS = 64;

const kind = process.argv[2] ?? "epoll";
const libc = Libc.load();
const plan = planNative(SLOT_COUNT);
const inputOffset = MIB * Math.ceil(plan.bytes / MIB);
const controlOffset = inputOffset + 64 * KIB;
const outputOffset = controlOffset + 64 * KIB;
const arena = libc.arena(new SharedArrayBuffer(outputOffset + 4 * MIB));
const control = new Control(arena, controlOffset);
if (controlBytes(1) > 64 * KIB) throw new Error("the control block has grown");
const Transport = kind === "uring" ? UringTransport : EpollTransport;
const transport = new Transport({
  libc,
  parts: new NativeParts(arena, 0, plan),
  control,
  bellFd: libc.files.eventfd(0, EFD_NONBLOCK),
  input: { arena, offset: inputOffset, bytes: 64 * KIB },
});
const port = Number(process.argv[3] ?? 0);
const target = { kind: "tcp", host: "127.0.0.1", port } as const;
const [listener] = await listenNative(libc, target, { backlog: 1024, interfaces: null });
const listenFd = listener?.fd ?? -1;

let requests = 0;
let turns = 0;
let busy = false;

const handler: TransportHandler = {
  opened() {},
  received(slot, bytes, start, end) {
    let at = outputOffset;
    for (let i = start; i < end; i++) {
      if (bytes[i] !== LINE_END) continue;
      arena.bytes.set(REPLY, at);
      at += REPLY.length;
      requests++;
    }
    busy = true;
    if (at > outputOffset) transport.send(slot, arena, outputOffset, at, false);
  },
  writable() {},
  ended(slot) {
    transport.close(slot);
  },
};

const started = process.cpuUsage();
const accept = () => libc.sockets.accept4(listenFd, NULL, NULL, SOCK_NONBLOCK);
const loop = {
  turn(): number {
    turns++;
    if (!busy || turns % ACCEPT_TURNS === 0) {
      for (let fd = accept(); fd >= 0; ) {
        control.addOpenConnections(1);
        transport.adopt(fd, 0);
        fd = accept();
      }
    }
    const isIdle = !busy;
    busy = false;
    if (requests > 0 && control.openConnections() === 0) transport.stop();
    return isIdle ? 1 : -1;
  },
  awake() {},
};

writeSync(1, `${listener?.port} ${process.pid}\n`);
transport.run(handler, loop);
const used = process.cpuUsage(started);
const perRequest = (used.user + used.system) / requests;
writeSync(
  1,
  `${kind}: ${requests} requests, ${perRequest.toFixed(3)} us each ` +
    `(user ${(used.user / requests).toFixed(3)}, system ${(used.system / requests).toFixed(3)}), ` +
    `${(requests / turns).toFixed(1)} a turn\n`,
);

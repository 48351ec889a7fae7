/**
 * A layer between a transport and its handler, as TLS will be one: a worker's whole server answers
 * the same whether its transport hands it what came, or a layer that cuts it at every byte.
 */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { SETTINGS_DEFAULTS } from "../../../src/config/settings.ts";
import { BusyPoll } from "../../../src/connection/busy-poll.ts";
import type { Connections } from "../../../src/connection/connections.ts";
import { Libc } from "../../../src/libc/libc.ts";
import { Acceptor } from "../../../src/listen/acceptor.ts";
import { type Listener, listenNative } from "../../../src/listen/listen.ts";
import { RECEIVE_BYTES } from "../../../src/memory/io-region.ts";
import type { Place } from "../../../src/memory/node-layout.ts";
import { SharedMemory } from "../../../src/primary/shared-memory.ts";
import { openBells } from "../../../src/transport/native-bell.ts";
import { NativeParts, planNative } from "../../../src/transport/native-plan.ts";
import {
  createNativeTransport,
  type NativeKind,
  nativeProblem,
} from "../../../src/transport/native-transport.ts";
import type { LoopHandler } from "../../../src/transport/transport.ts";
import { takeShard } from "../../../src/worker/owned-shard.ts";
import { ThreadMemory } from "../../../src/worker/thread-memory.ts";
import { createServer } from "../../../src/worker/thread-server.ts";
import { Turn } from "../../../src/worker/turn.ts";
import { CutInput, type TestedTransport } from "../../support/cut-input.ts";
import { until } from "./harness.ts";

const libc = Libc.load();
const KINDS = (["epoll", "uring"] as const).filter((kind) => nativeProblem(kind) === null);
const EPOCH_UNIX = 1_750_000_000;
const BIG = "x".repeat(30_000);

/** What one client says on a connection of its own, to be answered in full. */
const CONVERSATIONS = [
  "set a 5 0 3\r\nred\r\nget a\r\nget a b\r\ngets a\r\ndelete a\r\nget a\r\nversion\r\n",
  "set n 0 0 1\r\n7\r\nincr n 5\r\nincr n x\r\ndecr n 100\r\nappend n 0 0 1\r\n9\r\nget n\r\n",
  `set big 1 0 ${BIG.length}\r\n${BIG}\r\nget big big big\r\nget big\r\n`,
  "ms m 3 T0 F7 c\r\nabc\r\nmg m v f c t\r\nmn\r\nmg none v\r\nmd m q\r\nmn\r\n",
  "nonsense\r\nset a 0 0 x\r\nget\r\nset a 0 0 1\r\nlong\r\nversion\r\n",
  `${"get a b c d\r\nset a 0 0 1 noreply\r\n1\r\n".repeat(200)}mn\r\n`,
  "flush_all\r\nquit\r\nversion\r\n",
];

/** One worker's server in this thread. */
class Server {
  readonly port: number;
  readonly #transport: TestedTransport;
  readonly #connections: Connections;
  readonly #loop: LoopHandler;
  readonly #acceptor: Acceptor;
  readonly #bells: readonly number[];

  /** `pieceBytes` 0: no layer. */
  static async start(kind: NativeKind, pieceBytes: number): Promise<Server> {
    const target = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    return new Server(
      kind,
      pieceBytes,
      await listenNative(libc, target, { backlog: 64, interfaces: null }),
    );
  }

  private constructor(kind: NativeKind, pieceBytes: number, listeners: readonly Listener[]) {
    const settings = { ...SETTINGS_DEFAULTS, threads: 1, maxConnections: 64 };
    const shared = new SharedMemory(settings, "native");
    shared.regions.node.setEpochUnix(EPOCH_UNIX);
    this.#bells = openBells(libc, 2);
    const facts = [{ text: "", protocol: "auto", tag: "" }] as const;
    const data = shared.dataOf(0, 0, { bells: this.#bells, listeners: facts });
    const memory = new ThreadMemory(data, libc);
    const [io, native] = [data.layout.io[0], data.layout.native[0]] as [Place, Place];
    const plan = planNative(data.layout.connectionSlots);
    const parts = new NativeParts(memory.arena(native), native.base, plan);
    const input = { arena: memory.arena(io), offset: io.base, bytes: RECEIVE_BYTES };
    const { control } = memory;
    const bellFd = this.#bells[0] as number;
    const inner = createNativeTransport(kind, { libc, parts, control, bellFd, input });
    // What is held goes on from the region epoll receives into: between two receives it is idle.
    const transport = pieceBytes === 0 ? inner : new CutInput(inner, pieceBytes, input);
    const own = takeShard(memory, { ring: () => {} });
    const server = createServer({
      ...own,
      memory,
      transport,
      busyPoll: new BusyPoll(0, memory.counters, () => 0),
      ownStore: own.store,
      descriptor: (slot) => slot,
      askPrimary: () => {},
      giveBack: () => {},
      loginFailed: () => {},
    });
    const turn = new Turn({
      ...memory,
      ...own,
      own,
      server,
      arrivals: { ...parts, adopt: (fd, listener) => transport.adopt(fd, listener) },
      stop: () => {},
    });
    // The client lives in this thread too: the loop never sleeps.
    this.#loop = {
      turn: () => {
        if (turn.turn() !== 0) turn.awake();
        return 0;
      },
      awake: () => {},
    };
    this.#transport = transport;
    this.#connections = server.connections;
    this.#acceptor = new Acceptor({
      libc,
      control,
      listeners,
      connectionsMax: 64,
      refuse: true,
      deal: (fd, listener) => parts.mailbox.tryPost(fd, listener),
      rejected: () => {},
      stalled: () => {},
    });
    this.#acceptor.start();
    this.port = (listeners[0] as Listener).port;
  }

  /** All that is answered to one client that says `text`, and then no more. */
  async answer(text: string): Promise<string> {
    const socket = connect({ port: this.port, host: "127.0.0.1" });
    let heard = "";
    let isOver = false;
    socket.setEncoding("latin1");
    socket.on("data", (reply) => {
      heard += reply;
    });
    socket.on("close", () => {
      isOver = true;
    });
    socket.end(text, "latin1");
    await until(
      () => isOver,
      () => this.#transport.runTurn(this.#connections, this.#loop),
    );
    return heard;
  }

  stop(): void {
    this.#acceptor.stop(true);
    this.#transport.destroy();
    for (const fd of this.#bells) libc.files.close(fd);
  }
}

describe("a layer that cuts input", () => {
  for (const kind of KINDS) {
    for (const pieceBytes of [1, 7]) {
      test(`into pieces of ${pieceBytes} changes no reply (${kind})`, async () => {
        const servers = [await Server.start(kind, 0), await Server.start(kind, pieceBytes)];
        const [bare, cut] = servers as [Server, Server];
        for (const said of CONVERSATIONS) {
          const expected = await bare.answer(said);
          expect(expected.length).toBeGreaterThan(0);
          expect(await cut.answer(said)).toBe(expected);
        }
        for (const server of servers) server.stop();
      });
    }
  }
});

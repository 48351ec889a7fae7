/**
 * The listeners of the node transport: node:net listens, and the primary's own event loop serves
 * what it accepts (worker/node-server.ts). The workers only run their shards.
 */
import { NodeAcceptor } from "../listen/node-acceptor.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { NotifyBell } from "../ring/wake.ts";
import type { NodeTransport } from "../transport/node/node-transport.ts";
import type { WorkerData } from "../worker/messages.ts";
import { NodeServer } from "../worker/node-server.ts";
import { bindAll, type Listeners, type ListenersParts, type Listening } from "./listeners.ts";
import { Stalls } from "./stalls.ts";
import type { UdpServer } from "./udp-server.ts";

/** How often draining connections are counted. */
const LOOK_MILLISECONDS = 5;
/** How long connections may take to be answered at the end. */
const DRAIN_MILLISECONDS_MAX = 5000;

export class NodeListeners implements Listeners {
  readonly bells: readonly number[] = [];
  readonly #parts: ListenersParts;
  readonly #bell: NotifyBell;
  readonly #acceptor: NodeAcceptor;
  readonly #counters: Counters;
  #server: NodeServer | null = null;
  #udp: UdpServer | null = null;

  constructor(parts: ListenersParts) {
    const { settings, memory, log } = parts;
    const transportOf = () => this.#transport();
    this.#parts = parts;
    this.#bell = new NotifyBell(memory.arena(memory.layout.control).ints, memory.control);
    this.#counters = memory.counters;
    const stalls = new Stalls(this.#counters, log);
    this.#acceptor = new NodeAcceptor({
      control: memory.control,
      // Sockets are bound before there is anything to serve them: it is asked for after `start`.
      get transport() {
        return transportOf();
      },
      connectionsMax: settings.maxConnections,
      refuse: settings.extended.maxconnsFast,
      rejected: () => {
        this.#counters.add(Counter.rejectedConnections, 1);
        log.warn(`a connection was refused: ${settings.maxConnections} are open (-c)`);
      },
      stalled: (reason) => stalls.told(reason),
    });
  }

  async listen(): Promise<readonly Listening[]> {
    const { settings } = this.#parts;
    if (settings.udpListen.length > 0) {
      const { UdpServer } = await import("./udp-server.ts"); // few servers need its modules
      this.#udp = await UdpServer.bind(settings); // before what listens: who can connect may send
    }
    const sockets = await bindAll(this.#parts, this.#acceptor);
    return [...sockets, ...(this.#udp?.socketsAfter(sockets.length) ?? [])];
  }

  open(data: WorkerData): void {
    this.#server = new NodeServer(data, this.#parts.asked);
    this.#server.start();
    this.#acceptor.start();
    this.#udp?.open(this.#server.transport, this.#parts.memory.control);
  }

  async close(): Promise<void> {
    this.#acceptor.stop();
    this.#udp?.close();
    const server = this.#server;
    if (server === null) return;
    server.wake();
    const deadline = performance.now() + DRAIN_MILLISECONDS_MAX;
    while (server.openCount() > 0 && performance.now() < deadline) await oneLook();
  }

  setDown(): void {}

  wakeAll(): void {
    for (let worker = 0; worker < this.#parts.settings.threads; worker++) this.#bell.ring(worker);
  }

  exit(code: number): never {
    process.exit(code);
  }

  #transport(): NodeTransport {
    if (this.#server === null) throw new Error("connections are adopted once the server is there");
    return this.#server.transport;
  }
}

function oneLook(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
}

/**
 * The listeners of the native transport: sockets that listen, the acceptor that empties them, the
 * dealer that hands descriptors to the workers, and the eventfds that wake whoever sleeps in the
 * kernel.
 *
 * No more workers serve sockets than there are processors: two that share one find each other's
 * code and data in its caches, and a wait that several sockets could have ended together ends for
 * each alone. The other workers serve their shards.
 */

import { Libc } from "../libc/libc.ts";
import { Acceptor } from "../listen/acceptor.ts";
import { Dealer } from "../listen/dealer.ts";
import { adoptNative } from "../listen/inherited-sockets.ts";
import { listenNative } from "../listen/listen.ts";
import { Counter } from "../memory/counters.ts";
import { NotifyBell } from "../ring/wake.ts";
import { NativeBell, openBells } from "../transport/native-bell.ts";
import { NativeParts, planNative } from "../transport/native-plan.ts";
import type { WorkerData } from "../worker/messages.ts";
import {
  bindAll,
  type Listeners,
  type ListenersParts,
  type Listening,
  type StreamListening,
} from "./listeners.ts";
import { Stalls } from "./stalls.ts";
import type { UdpServer } from "./udp-server.ts";

export class NativeListeners implements Listeners {
  readonly bells: readonly number[];
  readonly #parts: ListenersParts;
  readonly #libc = Libc.load();
  readonly #bell: NativeBell;
  readonly #workers: readonly NativeParts[];
  readonly #dealer: Dealer;
  #sockets: readonly StreamListening[] = [];
  #acceptor: Acceptor | null = null;
  #udp: UdpServer | null = null;

  constructor(parts: ListenersParts) {
    const { settings, memory } = parts;
    this.#parts = parts;
    const { socketThreads } = memory.layout;
    const waitsInKernel = (thread: number) => thread < socketThreads || thread === settings.threads;
    this.bells = openBells(this.#libc, settings.threads + 1, waitsInKernel);
    const { ints } = memory.arena(memory.layout.control);
    this.#bell = new NativeBell(this.#libc, this.bells, new NotifyBell(ints, memory.control));
    const plan = planNative(settings.maxConnections);
    this.#workers = memory.layout.native.map(
      (place) => new NativeParts(memory.arena(place), place.base, plan),
    );
    this.#dealer = new Dealer(this.#workers, this.#bell);
  }

  async listen(): Promise<readonly Listening[]> {
    const { settings } = this.#parts;
    if (settings.udpListen.length > 0) {
      const { UdpServer } = await import("./udp-server.ts"); // few servers need its modules
      this.#udp = await UdpServer.bind(settings); // before what listens: who can connect may send
    }
    const sockets = await bindAll(this.#parts, {
      adopt: (fd, backlog) => adoptNative(this.#libc, fd, backlog),
      listen: (target, options) => listenNative(this.#libc, target, options),
    });
    this.#sockets = sockets;
    return [...sockets, ...(this.#udp?.socketsAfter(sockets.length) ?? [])];
  }

  open(data: WorkerData): void {
    const { settings, memory, log } = this.#parts;
    const { counters } = memory;
    const stalls = new Stalls(counters, log);
    this.#acceptor = new Acceptor({
      libc: this.#libc,
      control: memory.control,
      listeners: this.#sockets.map(({ descriptor, kind, address, port }) => ({
        fd: descriptor,
        kind,
        address,
        port,
      })),
      connectionsMax: settings.maxConnections,
      refuse: settings.extended.maxconnsFast,
      deal: (fd, listener) => this.#dealer.deal(fd, listener),
      rejected: () => {
        counters.add(Counter.rejectedConnections, 1);
        log.warn(`a connection was refused: ${settings.maxConnections} are open (-c)`);
      },
      stalled: (reason) => stalls.told(reason),
    });
    this.#acceptor.start();
    this.#udp?.openAlone(data, memory.control, this.#bell, this.#parts.asked);
  }

  async close(): Promise<void> {
    this.#udp?.close();
    this.#udp = null;
    this.#acceptor?.stop(true);
    this.#acceptor = null;
  }

  setDown(worker: number, isDown: boolean): void {
    this.#dealer.setDown(worker, isDown);
  }

  wakeAll(): void {
    for (let worker = 0; worker < this.#parts.settings.threads; worker++) this.#bell.ring(worker);
  }

  exit(code: number): never {
    this.#libc.process.exit(code);
    throw new Error("the system ends a process that asks for it");
  }
}

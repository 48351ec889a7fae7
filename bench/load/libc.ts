/**
 * The C library as the load generator needs it: client sockets, epoll, processor clocks, processor affinity.
 *
 * Why not node:net: a generator must be cheaper than what it measures, and a socket event there costs two to three times
 * the system calls it stands for. Addresses are plain numbers, `addressOf(bytes) + offset`; the callers keep every
 * transfer inside the buffer it names.
 *
 * Calls return what the kernel returned, or `-errno` where it returned -1.
 */
import koffi from "koffi";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;
const EPOLLOUT = 4;
const EPOLLIN = 1;

export const EAGAIN = 11;
const EINTR = 4;

const CLOCK_THREAD_CPUTIME = 3;
/** The longest path a Unix socket address holds. */
const UNIX_PATH_BYTES_MAX = 107;
/** Processors an affinity mask of ours can name. */
const AFFINITY_BYTES = 128;

/** `struct epoll_event` is packed on x86-64: u32 events, u64 data. Elsewhere the data is 8-aligned. */
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const EVENT_DATA_OFFSET = process.arch === "x64" ? 4 : 8;

const libc = koffi.load("libc.so.6");
const call = {
  socket: libc.func("int socket(int, int, int)"),
  connect: libc.func("int connect(int, intptr_t, uint32_t)"),
  setsockopt: libc.func("int setsockopt(int, int, int, intptr_t, uint32_t)"),
  close: libc.func("int close(int)"),
  recv: libc.func("int64_t recv(int, intptr_t, size_t, int)"),
  send: libc.func("int64_t send(int, intptr_t, size_t, int)"),
  epollCreate: libc.func("int epoll_create1(int)"),
  epollControl: libc.func("int epoll_ctl(int, int, int, intptr_t)"),
  epollWait: libc.func("int epoll_wait(int, intptr_t, int, int)"),
  clockGettime: libc.func("int clock_gettime(int, intptr_t)"),
  setAffinity: libc.func("int sched_setaffinity(int, size_t, intptr_t)"),
};

/** Where `bytes` begins in this process's memory. It must be a view of a buffer that outlives the use of the address. */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(bytes));
}

const scratch = new Uint8Array(new ArrayBuffer(4096));
const scratchView = new DataView(scratch.buffer);
const scratchAddress = addressOf(scratch);

/** Where a server listens. */
export type Target = { host: string; port: number } | { path: string };

/** Writes the target's socket address to the scratch and returns [family, bytes]. `host` is a numeric address. */
function writeAddress(target: Target): [family: number, bytes: number] {
  scratch.fill(0, 0, 256);
  if ("path" in target) {
    const path = Buffer.from(target.path);
    if (path.length > UNIX_PATH_BYTES_MAX) throw new Error(`socket path too long: ${target.path}`);
    scratchView.setUint16(0, AF_UNIX, true);
    scratch.set(path, 2);
    if (target.path.startsWith("@")) scratch[2] = 0; // the abstract name space
    return [AF_UNIX, 2 + path.length + (target.path.startsWith("@") ? 0 : 1)];
  }
  scratchView.setUint16(2, target.port, false);
  if (!target.host.includes(":")) {
    scratchView.setUint16(0, AF_INET, true);
    scratch.set(target.host.split(".").map(Number), 4);
    return [AF_INET, 16];
  }
  scratchView.setUint16(0, AF_INET6, true);
  const [head = "", tail] = target.host.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  for (const [i, group] of [...left, ...Array<string>(zeros).fill("0"), ...right].entries()) {
    scratchView.setUint16(8 + 2 * i, Number.parseInt(group, 16), false);
  }
  return [AF_INET6, 28];
}

function check(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed: errno ${koffi.errno()}`);
  return result;
}

function setOption(fd: number, level: number, option: number, value: number): void {
  scratchView.setInt32(0, value, true);
  check(call.setsockopt(fd, level, option, scratchAddress, 4), "setsockopt");
}

/** Opens a connection, waiting for it. Throws when the server refuses. */
export function connect(target: Target, bufferBytes: number): number {
  const name = "path" in target ? target.path : `${target.host}:${target.port}`;
  const [family, bytes] = writeAddress(target);
  const fd = check(call.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  if (call.connect(fd, scratchAddress, bytes) < 0) {
    const errno = koffi.errno();
    call.close(fd);
    throw new Error(`cannot connect to ${name}: errno ${errno}`);
  }
  if (family !== AF_UNIX) setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (bufferBytes > 0) {
    setOption(fd, SOL_SOCKET, SO_SNDBUF, bufferBytes);
    setOption(fd, SOL_SOCKET, SO_RCVBUF, bufferBytes);
  }
  return fd;
}

export function closeDescriptor(fd: number): void {
  call.close(fd);
}

function outcome(result: number): number {
  return result >= 0 ? result : -koffi.errno();
}

/** Receives without waiting: bytes, 0 when the peer closed, -EAGAIN when there is nothing. */
export function receive(fd: number, address: number, length: number): number {
  return outcome(Number(call.recv(fd, address, length, MSG_DONTWAIT)));
}

/** Sends without waiting: the bytes taken, or -errno. */
export function transmit(fd: number, address: number, length: number): number {
  return outcome(Number(call.send(fd, address, length, MSG_DONTWAIT | MSG_NOSIGNAL)));
}

/** A set of watched descriptors, each with a slot number that comes back with its events. */
export class Poller {
  readonly #fd = check(call.epollCreate(0x80000), "epoll_create1");
  readonly #events: DataView;
  readonly #address: number;
  readonly #eventsMax: number;

  constructor(eventsMax: number) {
    const bytes = new Uint8Array(new ArrayBuffer(Math.max(4096, eventsMax * EVENT_BYTES)));
    this.#events = new DataView(bytes.buffer);
    this.#address = addressOf(bytes);
    this.#eventsMax = eventsMax;
  }

  /** Watches for input, and for room to write when `output`. */
  watch(fd: number, slot: number, output: boolean, known: boolean): void {
    scratchView.setUint32(0, output ? EPOLLIN | EPOLLOUT : EPOLLIN, true);
    scratchView.setUint32(EVENT_DATA_OFFSET, slot, true);
    const operation = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    check(call.epollControl(this.#fd, operation, fd, scratchAddress), "epoll_ctl");
  }

  /** Waits up to `milliseconds` (-1: for ever) and returns the number of events. */
  wait(milliseconds: number): number {
    const count = call.epollWait(this.#fd, this.#address, this.#eventsMax, milliseconds) as number;
    if (count >= 0) return count;
    if (koffi.errno() === EINTR) return 0;
    throw new Error(`epoll_wait failed: errno ${koffi.errno()}`);
  }

  /** The slot of event `index` of the last wait. */
  slot(index: number): number {
    return this.#events.getUint32(index * EVENT_BYTES + EVENT_DATA_OFFSET, true);
  }

  /** True when event `index` of the last wait says there is room to write. */
  writable(index: number): boolean {
    return (this.#events.getUint32(index * EVENT_BYTES, true) & EPOLLOUT) !== 0;
  }

  close(): void {
    call.close(this.#fd);
  }
}

function readClock(clock: number): number {
  if (call.clockGettime(clock, scratchAddress) < 0) return Number.NaN;
  const seconds = Number(scratchView.getBigInt64(0, true));
  return seconds * 1e6 + Number(scratchView.getBigInt64(8, true)) / 1e3;
}

/** Microseconds of processor time this thread has used. */
export function threadCpuMicroseconds(): number {
  return readClock(CLOCK_THREAD_CPUTIME);
}

/**
 * Microseconds of processor time, user and system, all threads of process `pid` have used; NaN when there is no such
 * process. This is the scheduler's own sum in nanoseconds; the figures in /proc/pid/stat move in steps of 10 ms.
 */
export function processCpuMicroseconds(pid: number): number {
  return readClock((~pid << 3) | 2);
}

/** Binds thread or process `id` (0: the calling thread) to the processors in `cores`. False when the system refuses. */
export function pin(id: number, cores: readonly number[]): boolean {
  scratch.fill(0, 0, AFFINITY_BYTES);
  for (const core of cores) {
    const byte = core >> 3;
    if (byte < AFFINITY_BYTES) scratch[byte] = (scratch[byte] as number) | (1 << (core & 7));
  }
  return call.setAffinity(id, AFFINITY_BYTES, scratchAddress) === 0;
}

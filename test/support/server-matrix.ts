/**
 * The servers a wire test runs against: shardcached for every thread count and transport, and the
 * oracle.
 *
 *                   native    node
 *   1 thread          ×         ×
 *   2 threads         ×         ×        + a real memcached, when the machine has one (in CI it must)
 *   8 threads         ×         ×
 *
 * A test's few requests find nearly every other thread asleep, and would never see a ring where
 * shards are lent. So half of the cells lend: 2 threads under the native transport, 8 under the
 * other.
 *
 * One server per cell and test file, all started at once. `TEST_SERVERS` narrows the matrix while
 * developing: parts of labels, separated by `;`, and a cell runs when its label contains one of
 * them (`TEST_SERVERS="2 threads, native;memcached"`).
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { describeSpec, type ServerSpec, TestServer } from "./test-server.ts";

const HOOK_MILLISECONDS_MAX = 60_000;

export type Size =
  /** Every thread count and transport. */
  | "full"
  /** Several threads on both transports: for what does not depend on their number. */
  | "small";

export interface FleetOptions {
  readonly args?: readonly string[];
  readonly ownArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly size?: Size;
  /** Thread counts other than those of `size`. */
  readonly threads?: readonly number[];
  /** False: the real memcached is left out, for what it cannot do; the test's name says why. */
  readonly oracle?: boolean;
  readonly unixSocket?: boolean;
}

/** One server of a fleet, running from the file's beforeAll to its afterAll. */
export class Cell {
  readonly spec: ServerSpec;
  readonly label: string;
  #server: TestServer | undefined;

  constructor(spec: ServerSpec) {
    this.spec = spec;
    this.label = describeSpec(spec);
  }

  get server(): TestServer {
    if (this.#server === undefined) throw new Error(`${this.label} is not running`);
    return this.#server;
  }

  async start(): Promise<void> {
    this.#server = await TestServer.start(this.spec);
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }
}

/** The cells for these options; no server is started. */
export function cells(options: FleetOptions = {}): readonly Cell[] {
  const shared = {
    ...(options.args !== undefined && { args: options.args }),
    ...(options.ownArgs !== undefined && { ownArgs: options.ownArgs }),
    ...(options.env !== undefined && { env: options.env }),
    ...(options.unixSocket !== undefined && { unixSocket: options.unixSocket }),
  };
  const specs: ServerSpec[] = [];
  for (const threads of options.threads ?? (options.size === "small" ? [2] : [1, 2, 8])) {
    for (const transport of ["native", "node"] as const) {
      const lending = threads < 8 === (transport === "native");
      specs.push({ implementation: "shardcached", threads, transport, lending, ...shared });
    }
  }
  const hasOracle = isInstalled("memcached") || process.env["CI"] === "true";
  if (options.oracle !== false && hasOracle) {
    specs.push({ implementation: "memcached", threads: 2, transport: "native", ...shared });
  }
  return specs.filter(isWanted).map((spec) => new Cell(spec));
}

/** Registers hooks that start these cells before the file's tests and stop them after. */
export function fleet(options: FleetOptions = {}): readonly Cell[] {
  const all = cells(options);
  beforeAll(async () => {
    // All of them, also when one fails: what is started must be known to be stopped.
    const started = await Promise.allSettled(all.map((cell) => cell.start()));
    for (const each of started) if (each.status === "rejected") throw each.reason;
  }, HOOK_MILLISECONDS_MAX);
  afterAll(async () => {
    const stopped = await Promise.allSettled(all.map((cell) => cell.stop()));
    for (const each of stopped) if (each.status === "rejected") throw each.reason;
  }, HOOK_MILLISECONDS_MAX);
  return all;
}

/** Whether a program is on the PATH. */
export function isInstalled(program: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

function isWanted(spec: ServerSpec): boolean {
  const wanted = process.env["TEST_SERVERS"];
  if (wanted === undefined || wanted === "") return true;
  return wanted.split(";").some((label) => describeSpec(spec).includes(label.trim()));
}

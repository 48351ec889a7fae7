import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { SystemError } from "../../../src/base/errors.ts";
import { SETTINGS_DEFAULTS } from "../../../src/config/settings.ts";
import { type Patience, pauseMilliseconds, Supervisor } from "../../../src/primary/supervisor.ts";
import type { WorkerData } from "../../../src/worker/messages.ts";

const FAKE_WORKER = new URL("./fake-worker.mjs", import.meta.url);
/** Longer than any test, so that a slow machine changes nothing. */
const ENDLESS: Patience = { absentMilliseconds: 600_000, giveUpMilliseconds: 600_000 };
const STATE_WORD = 1;
const DRAINING = 2;
const STARTED_WORD = 2;

const started: { supervisor: Supervisor; words: Int32Array }[] = [];

type Start = () => Worker;
const fakeWorker: Start = () => new Worker(FAKE_WORKER);

/**
 * A supervisor over fake workers; `scripts[i]` says what worker i does, incarnation by incarnation.
 * `starts`: how successors are started, one after the other, the last for ever.
 */
function supervised(
  scripts: readonly string[],
  starts: readonly Start[] = [fakeWorker],
  impatience: Partial<Patience> = {},
) {
  let successors = 0;
  const next = () => (starts[Math.min(successors++, starts.length - 1)] as Start)();
  const supervisor = new Supervisor(scripts.length, fakeWorker, next, {
    ...ENDLESS,
    ...impatience,
  });
  const buffer = new SharedArrayBuffer(64);
  const words = new Int32Array(buffer);
  started.push({ supervisor, words });
  const events: string[] = [];
  const reached = new Map<string, () => void>();
  const note = (event: string) => {
    events.push(event);
    reached.get(event)?.();
  };
  const dataOf = (self: number, incarnation: number): WorkerData => ({
    self,
    incarnation,
    inherited: "nothing",
    settings: { ...SETTINGS_DEFAULTS, pidFile: scripts[self] as string },
    transport: "node",
    buffers: [buffer],
    layout: {} as WorkerData["layout"],
    bells: [],
    listeners: [],
  });
  return {
    events,
    stop: () => {
      Atomics.store(words, STATE_WORD, DRAINING);
      return supervisor.stop(5000);
    },
    /** Resolves when `event` has happened. */
    until: (event: string) =>
      new Promise<void>((resolve) => {
        if (events.includes(event)) resolve();
        else reached.set(event, resolve);
      }),
    start: async () => {
      await supervisor.start(
        {
          died: (self, cause) => note(`${self} died: ${cause.message}`),
          absent: (self, incarnation, cause) =>
            note(`${self} absent ${incarnation}: ${cause?.message}`),
          relieved: (self) => note(`${self} relieved`),
          givenUp: (self, cause) => note(`${self} given up: ${cause?.message}`),
          ready: (self, incarnation, dropped) => note(`${self} ready ${incarnation} ${dropped}`),
          said: () => {},
        },
        dataOf,
      );
      Atomics.store(words, STARTED_WORD, 1);
      Atomics.notify(words, STARTED_WORD);
    },
  };
}

afterEach(async () => {
  for (const { supervisor, words } of started.splice(0)) {
    Atomics.store(words, STATE_WORD, DRAINING);
    await supervisor.stop(5000);
  }
});

describe("Supervisor", () => {
  test("starts one worker a shard, and stops when all have ended", async () => {
    const { start, stop, events } = supervised(["r", "r", "r"]);
    await start();
    expect(events.sort()).toEqual(["0 ready 0 0", "1 ready 0 0", "2 ready 0 0"]);
    expect(await stop()).toBe(true);
  });

  test("a worker that dies is followed by the next incarnation; the others notice nothing", async () => {
    const { start, until, stop, events } = supervised(["r", "dr"]);
    await start();
    await until("1 ready 1 1");
    expect(events.filter((event) => event.startsWith("0"))).toEqual(["0 ready 0 0"]);
    expect(events).toContain("1 died: planted fault");
    expect(await stop()).toBe(true);
  });

  test("a task that merely ends is followed too", async () => {
    const { start, until } = supervised(["er"]);
    await start();
    await until("0 ready 1 1");
  });

  test("a successor that dies before it is ready leaves its shard absent, and is tried again", async () => {
    const { start, until, events } = supervised(["dnxr"]);
    await start();
    await until("0 ready 3 3");
    expect(events).toEqual([
      "0 ready 0 0",
      "0 died: planted fault",
      "0 absent 2: no memory for me",
      "0 relieved",
      "0 absent 3: its thread ended with code 3",
      "0 relieved",
      "0 ready 3 3",
    ]);
  });

  // Each is how a thread fails before it has booted, when no pool would try it again.
  for (const [name, fails, message] of [
    [
      "the system has no thread to give",
      () => {
        throw new Error("ERR_WORKER_INIT_FAILED: EAGAIN");
      },
      "ERR_WORKER_INIT_FAILED: EAGAIN",
    ],
    [
      "its code cannot be loaded",
      () => new Worker("throw new Error('out of descriptors')", { eval: true }),
      "out of descriptors",
    ],
    [
      "it leaves while it boots",
      () => new Worker("process.exit(9)", { eval: true }),
      "its thread ended with code 9",
    ],
  ] as const) {
    test(`a successor is tried again and again when ${name}`, async () => {
      const { start, until, events } = supervised(["dr"], [fails, fails, fails, fakeWorker]);
      await start();
      await until("0 ready 4 4");
      expect(events.slice(2)).toEqual([
        `0 absent 2: ${message}`,
        `0 absent 3: ${message}`,
        `0 absent 4: ${message}`,
        "0 relieved",
        "0 ready 4 4",
      ]);
    });
  }

  test("a successor that takes long to boot leaves its shard absent until it is there", async () => {
    const late = () =>
      new Worker(`setTimeout(() => import(${JSON.stringify(FAKE_WORKER.href)}), 600)`, {
        eval: true,
      });
    const { start, until, events } = supervised(["dr"], [late], { absentMilliseconds: 50 });
    await start();
    await until("0 ready 1 1");
    expect(events.slice(2)).toEqual(["0 absent 1: undefined", "0 relieved", "0 ready 1 1"]);
  });

  test("a shard that stays absent is given up, with the reason", async () => {
    const fails = () => {
      throw new Error("no more threads");
    };
    const { start, until } = supervised(["dr"], [fails], { giveUpMilliseconds: 100 });
    await start();
    await until("0 given up: no more threads");
  });

  test("a worker that cannot start at first fails the start, with exit code 71", async () => {
    const { start } = supervised(["r", "n"]);
    const refusal = await start().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(SystemError);
    expect(refusal).toMatchObject({
      message: "worker 1 could not start: no memory for me",
      exitCode: 71,
    });
  });

  test("a thread that waits for its task is ended when the server stops", async () => {
    supervised(["r"]);
    const { supervisor } = started[0] as (typeof started)[number];
    await supervisor.booted();
    expect(await supervisor.stop(5000)).toBe(true);
  });

  test("a worker that does not end is left behind", async () => {
    const { start } = supervised(["r"]);
    await start();
    const running = started[0] as (typeof started)[number];
    expect(await running.supervisor.stop(20)).toBe(false);
  });
});

describe("pauseMilliseconds()", () => {
  for (const [failures, pause] of [
    [1, 0],
    [2, 50],
    [3, 100],
    [7, 1600],
    [8, 2000],
    [1000, 2000],
  ] as const) {
    test(`restart ${failures} in a row waits ${pause} ms`, () => {
      expect(pauseMilliseconds(failures)).toBe(pause);
    });
  }
});

import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { SystemError } from "../../../src/base/errors.ts";
import { SETTINGS_DEFAULTS } from "../../../src/config/settings.ts";
import type { WorkerData } from "../../../src/config/worker-data.ts";
import { pauseMilliseconds, Supervisor } from "../../../src/primary/supervisor.ts";

const FAKE_WORKER = fileURLToPath(new URL("./fake-worker.mjs", import.meta.url));
const STATE_WORD = 1;
const DRAINING = 2;
const STARTED_WORD = 2;

const started: { supervisor: Supervisor; words: Int32Array }[] = [];

/**
 * A supervisor over fake workers; `scripts[i]` says what worker i does, incarnation by incarnation.
 */
function supervised(scripts: readonly string[]) {
  const supervisor = new Supervisor(FAKE_WORKER, scripts.length);
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
    threadCount: scripts.length,
    settings: { ...SETTINGS_DEFAULTS, pidFile: scripts[self] as string },
    transport: "node",
    buffers: [buffer],
    layout: {} as WorkerData["layout"],
    hashSeedLow: 0,
    hashSeedHigh: 0,
    epochUnix: 0,
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

  test("a successor that does not come up is tried again", async () => {
    const { start, until, events } = supervised(["dnxr"]);
    await start();
    await until("0 ready 3 3");
    expect(events).toEqual([
      "0 ready 0 0",
      "0 died: planted fault",
      "0 died: no memory for me",
      "0 died: worker exited with code: 3",
      "0 ready 3 3",
    ]);
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

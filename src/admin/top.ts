/**
 * `shardcached top [url]`: a node in a terminal, once a second, over its admin API.
 *
 *   shardcached top                              http://127.0.0.1:11280/
 *   shardcached top http://cache-3:11280 -n 1    one look, then the end: for scripts
 *
 * With a token in SHARDCACHED_ADMIN_TOKEN when the node is not on this machine. q or Ctrl-C ends
 * it.
 */
import { parseArgs } from "node:util";
import { TOKEN_ENVIRONMENT } from "./access.ts";
import type { Frame } from "./frame.ts";
import type { HotKeyRow } from "./hot-key-frames.ts";
import { requestsOf } from "./minute-window.ts";
import { bytesText, countText, microsecondsText, percentText, secondsText } from "./text.ts";

const URL_DEFAULT = "http://127.0.0.1:11280/";
const SECOND_MILLISECONDS = 1000;
const ANSWER_MILLISECONDS_MAX = 5000;
const HOT_KEYS_SHOWN = 12;
const USAGE = `usage: shardcached top [url] [-n <looks>]

  url   the node's admin address, ${URL_DEFAULT} unless given
  -n    end after so many looks; 0 is never
`;
const USAGE_EXIT = 64;
const UNAVAILABLE_EXIT = 69;

const BOLD = "1";
const DIM = "2";
const LEVEL_COLORS = { ok: "32", notice: "33", bad: "31" } as const;
const CYAN = "36";
const BUSY = 0.7;
const FULL = 0.92;
const BAR_COLUMNS = 18;
/** A screen of our own, without the cursor; what is too long for a line is cut off. */
const SCREEN_BEGINS = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const SCREEN_ENDS = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const EIGHTHS = " ▏▎▍▌▋▊▉█";

/** Text in a colour, or bare when the terminal is none. */
export type Paint = (code: string, text: string) => string;

const bare: Paint = (_, text) => text;
const colored: Paint = (code, text) => `\u001b[${code}m${text}\u001b[0m`;

/** A bar of `width` columns, filled to `share`, in eighths of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const full = Math.floor(eighths / 8);
  const rest = full < width ? (EIGHTHS[eighths % 8] as string) : "";
  return "█".repeat(full) + rest.padEnd(width - full, " ").slice(0, width - full);
}

/** The screen: lines for a terminal of so many columns. */
export function screen(
  frame: Frame,
  keys: readonly HotKeyRow[],
  columns: number,
  paint: Paint,
): string[] {
  const { level, sentence, cause } = frame.health;
  const why = cause === "" ? [] : wrap(cause, columns - 2).map((line) => paint(DIM, `  ${line}`));
  return [
    ...wrap(`● ${sentence}`, columns - 1).map((line) => paint(LEVEL_COLORS[level], line)),
    ...why,
    "",
    ...summary(frame, paint),
    "",
    ...workerLines(frame, paint),
    ...keyLines(keys, columns, paint),
  ];
}

function summary(frame: Frame, paint: Paint): string[] {
  const { rates, latency, memory } = frame;
  const line = (...parts: readonly (readonly [string, string])[]): string =>
    parts
      .map(([name, value]) => (name === "" ? value : `${paint(DIM, name)} ${value}`))
      .join("   ");
  const rate = (value: number): string => `${countText(value)}/s`;
  return [
    line(
      ["requests", paint(BOLD, rate(requestsOf(rates)))],
      ["get", rate(rates.hits + rates.misses)],
      ["hits", percentText(frame.hitRatio)],
      ["set", rate(rates.sets)],
      ["in", `${bytesText(rates.bytesIn)}/s`],
      ["out", `${bytesText(rates.bytesOut)}/s`],
    ),
    line(
      ["latency ", `p50 ${paint(BOLD, microsecondsText(latency.p50))}`],
      ["", `p99 ${paint(BOLD, microsecondsText(latency.p99))}`],
      ["", `p99.9 ${microsecondsText(latency.p999)}`],
      ["", `max ${microsecondsText(latency.max)}`],
    ),
    line(
      ["memory  ", `${bytesText(memory.items)} of ${bytesText(memory.limit)}`],
      ["items", countText(frame.items)],
      ["resident", bytesText(memory.rss)],
      ["evicted", rate(rates.evictions)],
      ["expired", rate(rates.expired)],
    ),
    line(
      ["clients ", `${frame.connections} of ${frame.connectionsMax}`],
      ["up", secondsText(frame.uptime)],
      ["cpu", `${frame.cpu.toFixed(2)} cores`],
    ),
  ];
}

function workerLines({ workers }: Frame, paint: Paint): string[] {
  const head =
    "worker  busy                        req/s     turn  clients    items   sent/s served/s";
  const lines = workers.map((worker) => {
    const { busy } = worker;
    const color = busy > FULL ? LEVEL_COLORS.bad : busy > BUSY ? LEVEL_COLORS.notice : CYAN;
    const facts = [
      countText(worker.requests).padStart(8),
      microsecondsText(worker.turnMicroseconds).padStart(9),
      String(worker.connections).padStart(9),
      countText(worker.items).padStart(9),
      countText(worker.sent).padStart(9),
      countText(worker.served).padStart(9),
    ];
    const share = `${Math.round(busy * 100)} %`.padStart(5);
    const lane = paint(color, bar(busy, BAR_COLUMNS));
    const name = worker.isPrimary ? "main" : String(worker.id);
    return `${name.padStart(6)}  ${lane} ${share}${facts.join("")}`;
  });
  return [paint(DIM, head), ...lines];
}

function keyLines(keys: readonly HotKeyRow[], columns: number, paint: Paint): string[] {
  if (keys.length === 0) return [];
  const width = Math.max(10, columns - 44);
  const row = (name: string, ...cells: readonly [string, string, string, string]): string =>
    name.padEnd(width) + cells.map((cell, at) => cell.padStart(at < 2 ? 10 : 12)).join("");
  const lines = keys.map((key) => {
    const name = key.text.length < width ? key.text : `${key.text.slice(0, width - 2)}…`;
    const misses = countText(key.misses);
    return row(name, countText(key.rate), misses, bytesText(key.bytes), sizeText(key.valueBytes));
  });
  return ["", paint(DIM, row("hot key", "req/s", "misses/s", "bytes/s", "size")), ...lines];
}

function sizeText(bytes: number | null): string {
  return bytes === null ? "–" : bytesText(bytes);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

async function ask<Answer>(base: string, path: string): Promise<Answer> {
  const token = process.env[TOKEN_ENVIRONMENT] ?? "";
  const response = await fetch(new URL(path, base), {
    headers: token === "" ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX),
  });
  if (response.status === 401) throw new Error(`it wants a token: set ${TOKEN_ENVIRONMENT}`);
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return (await response.json()) as Answer;
}

/** Runs `shardcached top` with the arguments behind "top"; resolves to the exit code. */
export async function runTop(args: readonly string[]): Promise<number> {
  let base = URL_DEFAULT;
  let looks = 0;
  try {
    const options = {
      looks: { type: "string", short: "n" },
      help: { type: "boolean", short: "h" },
    } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return 0;
    }
    base = positionals[0] ?? base;
    if (!base.includes("://")) base = `http://${base}`;
    looks = Number(values.looks ?? 0);
    if (!URL.canParse(base) || !Number.isInteger(looks) || looks < 0)
      throw new Error("bad argument");
  } catch {
    process.stderr.write(USAGE);
    return USAGE_EXIT;
  }
  return watch(base, looks);
}

async function watch(base: string, looks: number): Promise<number> {
  const { stdin, stdout } = process;
  const terminal = stdout.isTTY === true;
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  process.once("SIGINT", end);
  if (terminal && stdin.isTTY === true) {
    stdin.setRawMode(true);
    stdin.on("data", (bytes) => {
      if (bytes.includes("q") || bytes.includes("\u0003")) end();
    });
  }
  let code = 0;
  if (terminal) stdout.write(SCREEN_BEGINS);
  for (let look = 0; !ended && (looks === 0 || look < looks); look++) {
    if (look > 0) await sleepUnless(() => ended);
    if (ended) break;
    try {
      const frame = await ask<Frame>(base, "api/v1/overview");
      const { keys } = await ask<{ keys: HotKeyRow[] }>(base, "api/v1/hotkeys");
      const columns = stdout.columns ?? 100;
      const shown = screen(
        frame,
        keys.slice(0, HOT_KEYS_SHOWN),
        columns,
        terminal ? colored : bare,
      );
      const rows = terminal ? shown.slice(0, (stdout.rows ?? 40) - 1) : shown;
      stdout.write(
        terminal
          ? `\u001b[H${rows.map((row) => `${row}\u001b[K\n`).join("")}\u001b[J`
          : `${rows.join("\n")}\n`,
      );
      code = 0;
    } catch (error) {
      code = UNAVAILABLE_EXIT;
      const text = `shardcached top: no answer from ${base}: ${reason(error)}\n`;
      if (terminal) stdout.write(`\u001b[H\u001b[J${text}`);
      else process.stderr.write(text);
    }
  }
  if (terminal) stdout.write(SCREEN_ENDS);
  if (terminal && stdin.isTTY === true) stdin.setRawMode(false);
  stdin.pause();
  return code;
}

/** fetch hides why behind "fetch failed". */
function reason(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

async function sleepUnless(ended: () => boolean): Promise<void> {
  const until = performance.now() + SECOND_MILLISECONDS;
  while (!ended() && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

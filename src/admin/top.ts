/**
 * `shardcached top [url]`: a node in a terminal, once a second, over its admin API.
 *
 *   shardcached top                              http://127.0.0.1:11280/
 *   shardcached top http://cache-3:11280 -n 1    one look, then the end: for scripts
 *
 * With a token in SHARDCACHED_ADMIN_TOKEN when the node is not on this machine. q or Ctrl-C ends it.
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

function column(text: string, width: number): string {
  return text.padStart(width);
}

/** The screen: lines no wider than `columns`. */
export function screen(
  frame: Frame,
  keys: readonly HotKeyRow[],
  columns: number,
  paint: Paint,
): string[] {
  const { rates, latency, memory, health } = frame;
  const bold = (text: string): string => paint(BOLD, text);
  const dim = (text: string): string => paint(DIM, text);
  const lines = [
    paint(LEVEL_COLORS[health.level], `● ${health.sentence}`),
    ...(health.cause === "" ? [] : wrap(health.cause, columns - 2).map((line) => dim(`  ${line}`))),
    "",
    `${dim("requests")} ${bold(countText(requestsOf(rates)))}/s   ` +
      `${dim("get")} ${countText(rates.hits + rates.misses)}/s   ${dim("hits")} ${percentText(frame.hitRatio)}   ` +
      `${dim("set")} ${countText(rates.sets)}/s   ${dim("in")} ${bytesText(rates.bytesIn)}/s   ${dim("out")} ${bytesText(rates.bytesOut)}/s`,
    `${dim("latency")}  p50 ${bold(microsecondsText(latency.p50))}   p99 ${bold(microsecondsText(latency.p99))}   ` +
      `p99.9 ${microsecondsText(latency.p999)}   max ${microsecondsText(latency.max)}`,
    `${dim("memory")}   ${bytesText(memory.items)} of ${bytesText(memory.limit)} in ${countText(frame.items)} items   ` +
      `${dim("resident")} ${bytesText(memory.rss)}   ${dim("evicted")} ${countText(rates.evictions)}/s   ` +
      `${dim("expired")} ${countText(rates.expired)}/s`,
    `${dim("clients")}  ${frame.connections} of ${frame.connectionsMax}   ${dim("up")} ${secondsText(frame.uptime)}   ` +
      `${dim("cpu")} ${frame.cpu.toFixed(2)} cores`,
    "",
    dim("worker  busy                        req/s     turn  clients    items   sent/s served/s"),
  ];
  for (const worker of frame.workers) {
    const color =
      worker.busy > 0.92 ? LEVEL_COLORS.bad : worker.busy > 0.7 ? LEVEL_COLORS.notice : "36";
    lines.push(
      column(String(worker.id), 6) +
        `  ${paint(color, bar(worker.busy, 18))} ${column(`${Math.round(worker.busy * 100)} %`, 5)}` +
        column(countText(worker.requests), 8) +
        column(microsecondsText(worker.turnMicroseconds), 9) +
        column(String(worker.connections), 9) +
        column(countText(worker.items), 9) +
        column(countText(worker.sent), 9) +
        column(countText(worker.served), 9),
    );
  }
  if (keys.length === 0) return lines;
  const width = Math.max(10, columns - 44);
  lines.push(
    "",
    dim(
      `${"hot key".padEnd(width)}${column("req/s", 10)}${column("misses/s", 10)}${column("bytes/s", 12)}${column("size", 12)}`,
    ),
  );
  for (const key of keys) {
    const name = key.text.length > width - 1 ? `${key.text.slice(0, width - 2)}…` : key.text;
    lines.push(
      name.padEnd(width) +
        column(countText(key.rate), 10) +
        column(countText(key.misses), 10) +
        column(bytesText(key.bytes), 12) +
        column(bytesText(key.valueBytes), 12),
    );
  }
  return lines;
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
  if (terminal) stdout.write("\u001b[?1049h\u001b[?25l");
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
  if (terminal) stdout.write("\u001b[?25h\u001b[?1049l");
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

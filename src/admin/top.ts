/**
 * `shardcached top [url]`: a node in a terminal, once a second, over its admin API.
 *
 *   shardcached top                              http://127.0.0.1:11280/
 *   shardcached top http://cache-3:11280 -n 1    one look, then the end: for scripts
 *
 * With a token in SHARDCACHED_ADMIN_TOKEN where the node wants one. q or Ctrl-C ends it, h goes
 * through the lists of hot keys, ? shows the keys.
 */
import { parseArgs } from "node:util";
import type { Frame, WorkerFrame } from "./frame.ts";
import type { HotKeyRow } from "./hot-key-frames.ts";
import { requestsOf } from "./minute-window.ts";
import { askNode, reason, UNAVAILABLE_EXIT, URL_DEFAULT, USAGE_EXIT, urlFrom } from "./node-api.ts";
import { bytesText, countText, microsecondsText, percentText, secondsText } from "./text.ts";

const SECOND_MILLISECONDS = 1000;
const HOT_KEYS_SHOWN = 12;
const USAGE = `usage: shardcached top [url] [-n <looks>]

  url   the node's admin address, ${URL_DEFAULT} unless given
  -n    end after so many looks; 0 is never
`;

const BOLD = "1";
const DIM = "2";
const LEVEL_COLORS = { ok: "32", notice: "33", bad: "31" } as const;
const CYAN = "36";
const BUSY = 0.7;
const FULL = 0.92;
const BAR_COLUMNS = 18;
const BAR_COLUMNS_MIN = 4;
const WORKER_NAME_COLUMNS = 8;
const SHARE_COLUMNS = 6;
const NAME_COLUMNS_MIN = 12;
/** Narrower terminals are served as this. */
const COLUMNS_MIN = 30;
const GAP = "   ";
const INDENT = "         ";
/** The lists of hot keys, in the order `h` goes through them. */
const TOP_LISTS = ["requests", "bytes", "misses", "largest", "prefixes"] as const;
type TopList = (typeof TOP_LISTS)[number];
const KEY_HEADS: Readonly<Record<TopList, string>> = {
  requests: "hot key",
  bytes: "key by bytes",
  misses: "missed key",
  largest: "largest value",
  prefixes: "prefix",
};
const HINT = "q end   ? keys";
const HELP = ["q  end", "h  next list of hot keys", "?  this, or not"];
const COLUMNS_DEFAULT = 100;
const ROWS_DEFAULT = 40;
/** The hint at the keys, and the line before: for terminals only. */
const FOOTER_LINES = 2;
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

/** What a screen shows beside the frame. */
export interface View {
  /** Which list of hot keys. */
  readonly by: TopList;
  /** The keys of the keyboard are shown. */
  readonly help: boolean;
}

/**
 * The screen: lines for a terminal of `columns` columns. None is longer than one column less, since
 * what ends in the last column is erased with the rest of the line.
 */
export function screen(
  frame: Frame,
  keys: readonly HotKeyRow[],
  columns: number,
  paint: Paint,
  view: View = { by: "requests", help: false },
): string[] {
  const width = Math.max(COLUMNS_MIN, columns) - 1;
  const { level, sentence, cause } = frame.health;
  const why = cause === "" ? [] : wrap(cause, width - 2).map((line) => paint(DIM, `  ${line}`));
  return [
    ...wrap(`● ${sentence}`, width).map((line) => paint(LEVEL_COLORS[level], line)),
    ...why,
    "",
    ...summary(frame, width, paint),
    "",
    ...workerLines(frame, width, paint),
    ...keyLines(keys, width, paint, view.by),
    "",
    ...(view.help ? HELP : [HINT]).map((line) => paint(DIM, line)),
  ];
}

type Part = readonly [name: string, value: string, code?: string];

function summary(frame: Frame, width: number, paint: Paint): string[] {
  const { rates, latency, memory } = frame;
  const rate = (value: number): string => `${countText(value)}/s`;
  const lines: readonly (readonly Part[])[] = [
    [
      ["requests", rate(requestsOf(rates)), BOLD],
      ["get", rate(rates.hits + rates.misses)],
      ["hits", percentText(frame.hitRatio)],
      ["set", rate(rates.sets)],
      ["in", `${bytesText(rates.bytesIn)}/s`],
      ["out", `${bytesText(rates.bytesOut)}/s`],
    ],
    [
      ["latency ", `p50 ${microsecondsText(latency.p50)}`, BOLD],
      ["", `p99 ${microsecondsText(latency.p99)}`, BOLD],
      ["", `p99.9 ${microsecondsText(latency.p999)}`],
      ["", `max ${microsecondsText(latency.max)}`],
    ],
    [
      ["memory  ", `${bytesText(memory.items)} of ${bytesText(memory.limit)}`],
      ["items", countText(frame.items)],
      ["resident", bytesText(memory.rss)],
      ["evicted", rate(rates.evictions)],
      ["expired", rate(rates.expired)],
    ],
    [
      ["clients ", `${frame.connections} of ${frame.connectionsMax}`],
      ["up", secondsText(frame.uptime)],
      ["cpu", `${frame.cpu.toFixed(2)} cores`],
    ],
  ];
  return lines.flatMap((parts) => flowed(parts, width, paint));
}

/** Parts beside each other, and below each other where there is no more room. */
function flowed(parts: readonly Part[], width: number, paint: Paint): string[] {
  const lines: string[] = [];
  let line = "";
  let length = 0;
  for (const [name, value, code] of parts) {
    const size = (name === "" ? 0 : name.length + 1) + value.length;
    const shown = code === undefined ? value : paint(code, value);
    const text = name === "" ? shown : `${paint(DIM, name)} ${shown}`;
    const fits = length + GAP.length + size <= width;
    if (length > 0 && !fits) lines.push(line);
    line = length === 0 ? text : fits ? line + GAP + text : INDENT + text;
    length = length === 0 ? size : fits ? length + GAP.length + size : INDENT.length + size;
  }
  return [...lines, line];
}

/** A column of a table: what stands in it, and how important it is where not all have room. */
interface Column<Row> {
  readonly head: string;
  readonly width: number;
  readonly cell: (row: Row) => string;
}

/** As many of the columns, from the left, as have room in `width`. */
function fitting<Row>(columns: readonly Column<Row>[], width: number): readonly Column<Row>[] {
  let left = width;
  return columns.filter((column) => {
    left -= column.width;
    return left >= 0;
  });
}

const WORKER_COLUMNS: readonly Column<WorkerFrame>[] = [
  { head: "req/s", width: 9, cell: (worker) => countText(worker.requests) },
  { head: "turn", width: 9, cell: (worker) => microsecondsText(worker.turnMicroseconds) },
  { head: "clients", width: 9, cell: (worker) => String(worker.connections) },
  { head: "items", width: 9, cell: (worker) => countText(worker.items) },
  { head: "sent/s", width: 9, cell: (worker) => countText(worker.sent) },
  { head: "served/s", width: 9, cell: (worker) => countText(worker.served) },
];

function workerLines({ workers }: Frame, width: number, paint: Paint): string[] {
  const room = width - WORKER_NAME_COLUMNS - SHARE_COLUMNS;
  const bars = Math.max(BAR_COLUMNS_MIN, Math.min(BAR_COLUMNS, Math.floor(room / 4)));
  const columns = fitting(WORKER_COLUMNS, room - bars - 1);
  const lines = workers.map((worker) => {
    const { busy } = worker;
    const color = busy > FULL ? LEVEL_COLORS.bad : busy > BUSY ? LEVEL_COLORS.notice : CYAN;
    const share = `${Math.round(busy * 100)} %`.padStart(SHARE_COLUMNS);
    const name = (worker.isPrimary ? "main" : String(worker.id)).padStart(6);
    const facts = columns.map(({ cell, width: size }) => cell(worker).padStart(size)).join("");
    return `${name}  ${paint(color, bar(busy, bars))} ${share}${facts}`;
  });
  const head = `worker  ${"busy".padEnd(bars + 1 + SHARE_COLUMNS)}`;
  const heads = columns.map((column) => column.head.padStart(column.width)).join("");
  return [paint(DIM, head + heads), ...lines];
}

const KEY_RATES: Readonly<Record<TopList, Column<HotKeyRow>>> = {
  requests: { head: "req/s", width: 10, cell: (key) => countText(key.rate) },
  bytes: { head: "bytes/s", width: 12, cell: (key) => bytesText(key.rate) },
  misses: { head: "misses/s", width: 10, cell: (key) => countText(key.rate) },
  largest: { head: "size", width: 12, cell: (key) => bytesText(key.rate) },
  prefixes: { head: "req/s", width: 10, cell: (key) => countText(key.rate) },
};

const KEY_COLUMNS: readonly (Column<HotKeyRow> & { readonly not: readonly TopList[] })[] = [
  {
    not: ["largest", "prefixes"],
    head: "size",
    width: 12,
    cell: (key) => sizeText(key.valueBytes),
  },
  {
    not: ["bytes", "misses", "largest"],
    head: "bytes/s",
    width: 12,
    cell: (key) => bytesText(key.bytes),
  },
  { not: ["misses", "largest"], head: "misses/s", width: 10, cell: (key) => countText(key.misses) },
  {
    not: ["requests", "bytes", "misses", "prefixes"],
    head: "seen",
    width: 12,
    cell: (key) => `${secondsText(key.seenAgo)} ago`,
  },
];

function keyLines(keys: readonly HotKeyRow[], width: number, paint: Paint, by: TopList): string[] {
  if (keys.length === 0) return [];
  const more = KEY_COLUMNS.filter(({ not }) => !not.includes(by));
  const columns = fitting([KEY_RATES[by], ...more], width - NAME_COLUMNS_MIN);
  const room = width - columns.reduce((sum, column) => sum + column.width, 0);
  const lines = keys.map((key) => {
    const facts = columns.map((column) => column.cell(key).padStart(column.width));
    return clipped(key.text, room) + facts.join("");
  });
  const heads = columns.map((column) => column.head.padStart(column.width)).join("");
  return ["", paint(DIM, clipped(KEY_HEADS[by], room) + heads), ...lines];
}

function sizeText(bytes: number | null): string {
  return bytes === null ? "–" : bytesText(bytes);
}

/** Exactly `width` columns of text; what is longer ends in an ellipsis, and a space follows it. */
function clipped(text: string, width: number): string {
  let shown = "";
  let used = 0;
  for (const char of text) {
    const size = charColumns(char.codePointAt(0) as number);
    if (used + size > width - 1) {
      while (used > width - 2) {
        const last = [...shown].at(-1) as string;
        shown = shown.slice(0, -last.length);
        used -= charColumns(last.codePointAt(0) as number);
      }
      return `${shown}…`.padEnd(shown.length + width - used);
    }
    shown += char;
    used += size;
  }
  return shown + " ".repeat(width - used);
}

/** Ranges whose characters take two columns: East Asian scripts, and pictures. */
const WIDE = [
  [0x1100, 0x115f],
  [0x2e80, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
] as const;

/** Columns a character takes in a terminal. */
export function charColumns(code: number): number {
  if (code < 0x300) return 1;
  if (/\p{Mn}|\p{Me}/u.test(String.fromCodePoint(code))) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Lines of at most `width` columns; a word that is longer is cut into several. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  const columnsOf = (word: string): number =>
    [...word].reduce((sum, char) => sum + charColumns(char.codePointAt(0) as number), 0);
  for (const word of text.split(" ")) {
    if (line !== "" && used + 1 + columnsOf(word) <= width) {
      line += ` ${word}`;
      used += 1 + columnsOf(word);
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    used = 0;
    for (const char of word) {
      const size = charColumns(char.codePointAt(0) as number);
      if (used + size > width) {
        lines.push(line);
        line = "";
        used = 0;
      }
      line += char;
      used += size;
    }
  }
  return [...lines, line];
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
    const url = urlFrom(positionals[0] ?? base);
    looks = Number(values.looks ?? 0);
    if (url === null || !Number.isInteger(looks) || looks < 0) throw new Error("bad argument");
    base = url;
  } catch {
    process.stderr.write(USAGE);
    return USAGE_EXIT;
  }
  return watch(base, looks);
}

async function watch(base: string, looks: number): Promise<number> {
  const { stdin, stdout } = process;
  const terminal = stdout.isTTY === true;
  const keyboard = new Keyboard();
  process.once("SIGINT", () => keyboard.end());
  if (terminal && stdin.isTTY === true) {
    stdin.setRawMode(true);
    stdin.on("data", (bytes) => keyboard.pressed(bytes.toString("latin1")));
  }
  let code = 0;
  if (terminal) stdout.write(SCREEN_BEGINS);
  for (let look = 0; !keyboard.ended && (looks === 0 || look < looks); look++) {
    if (look > 0) await keyboard.sleep();
    if (keyboard.ended) break;
    try {
      const { by, help } = keyboard;
      const frame = await askNode<Frame>(base, "api/v1/overview");
      const { keys } = await askNode<{ keys: HotKeyRow[] }>(base, `api/v1/hotkeys?by=${by}`);
      const columns = stdout.columns ?? COLUMNS_DEFAULT;
      const paint = terminal ? colored : bare;
      const shown = screen(frame, keys.slice(0, HOT_KEYS_SHOWN), columns, paint, { by, help });
      stdout.write(
        terminal
          ? `\u001b[H${onScreen(shown, stdout.rows ?? ROWS_DEFAULT)}\u001b[J`
          : `${shown.slice(0, -FOOTER_LINES).join("\n")}\n`,
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

/** As many lines as there are rows; the last ones, which tell the keys, always. */
function onScreen(lines: readonly string[], rows: number): string {
  const room = Math.max(1, rows - 1);
  const footer = lines.slice(lines.lastIndexOf("") + 1);
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, Math.max(0, room - footer.length)), ...footer];
  return shown.map((line) => `${line}\u001b[K\n`).join("");
}

/** What was pressed. */
class Keyboard {
  ended = false;
  help = false;
  #list = 0;
  #wake: () => void = () => {};

  get by(): TopList {
    return TOP_LISTS[this.#list] as TopList;
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  pressed(keys: string): void {
    for (const key of keys) {
      if (key === "q" || key === "\u0003") this.end();
      else if (key === "?") this.help = !this.help;
      else if (key === "h") this.#list = (this.#list + 1) % TOP_LISTS.length;
      else continue;
      this.#wake();
    }
  }

  /** A second, or until a key is pressed. */
  async sleep(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SECOND_MILLISECONDS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}

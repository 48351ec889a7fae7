/**
 * As much of Go's text/template, with Helm's functions, as the chart uses: so that the chart is
 * rendered in every run of the tests, also where there is no helm.
 *
 *   source ─▶ pieces: text, actions ─▶ tree of blocks ─▶ text
 *
 * What it does not know it throws on; nothing is passed over.
 */
import { createHash } from "node:crypto";
import { stringify } from "yaml";

type Scope = ReadonlyMap<string, unknown>;
type Render = (dot: unknown, scope: Map<string, unknown>) => string;

interface Piece {
  readonly text: string;
  readonly isAction: boolean;
}

const ACTION = /\{\{(-\s)?\s*([\s\S]*?)\s*(\s-)?\}\}/g;
const TOKEN = /\s*(:=|\(|\)|\||,|"(?:[^"\\]|\\.)*"|[^\s()|,]+)/gy;
const ASSIGNMENT = /^(\$\w*)\s*:=\s*([\s\S]*)$/;

/** A chart's templates: the helpers they define, and what renders one of them. */
export class GoTemplates {
  readonly #named = new Map<string, Render>();
  readonly #functions: Readonly<Record<string, (...values: never[]) => unknown>>;

  constructor(sources: Readonly<Record<string, string>>) {
    this.#functions = {
      ...FUNCTIONS,
      include: (name: string, dot: unknown) => this.render(name, dot),
    };
    for (const [name, source] of Object.entries(sources)) {
      const pieces = piecesOf(source);
      this.#named.set(name, this.#block(pieces, name));
      if (pieces.length > 0) throw new Error(`${name}: ${pieces[0]?.text} without a beginning`);
    }
  }

  render(name: string, dot: unknown): string {
    const render = this.#named.get(name);
    if (render === undefined) throw new Error(`no template is called ${name}`);
    return render(dot, new Map([["$", dot]]));
  }

  /** Takes pieces up to an `end` or `else`, which it leaves. */
  #block(pieces: Piece[], name: string): Render {
    const renders: Render[] = [];
    while (pieces.length > 0 && !/^(end|else)\b/.test(actionOf(pieces[0]))) {
      const { text, isAction } = pieces.shift() as Piece;
      renders.push(isAction ? this.#action(text, pieces, name) : () => text);
    }
    return (dot, scope) => renders.map((render) => render(dot, scope)).join("");
  }

  #action(action: string, pieces: Piece[], name: string): Render {
    const [, word = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(action) ?? [];
    if (word.startsWith("/*")) return () => "";
    if (word === "define") {
      this.#named.set(JSON.parse(rest) as string, this.#block(pieces, name));
      endOf(pieces, name);
      return () => "";
    }
    if (word === "if" || word === "with") return this.#choice(word, rest, pieces, name);
    if (word === "range") return this.#loop(rest, pieces, name);
    const assignment = ASSIGNMENT.exec(action);
    if (assignment !== null) {
      const [, variable = "", expression = ""] = assignment;
      return (dot, scope) => {
        scope.set(variable, this.#value(expression, dot, scope));
        return "";
      };
    }
    return (dot, scope) => textOf(this.#value(action, dot, scope));
  }

  #choice(word: string, condition: string, pieces: Piece[], name: string): Render {
    const then = this.#block(pieces, name);
    const rest = actionOf(pieces[0]);
    let otherwise: Render = () => "";
    if (rest.startsWith("else if ")) {
      pieces.shift();
      otherwise = this.#choice("if", rest.slice("else if ".length), pieces, name);
    } else {
      if (rest === "else") {
        pieces.shift();
        otherwise = this.#block(pieces, name);
      }
      endOf(pieces, name);
    }
    return (dot, scope) => {
      const value = this.#value(condition, dot, scope);
      if (!isTrue(value)) return otherwise(dot, new Map(scope));
      return then(word === "with" ? value : dot, new Map(scope));
    };
  }

  #loop(head: string, pieces: Piece[], name: string): Render {
    const body = this.#block(pieces, name);
    endOf(pieces, name);
    const match = /^(\$\w+)(?:,\s*(\$\w+))?\s*:=\s*([\s\S]*)$/.exec(head);
    const [, first = "", second, expression = head] = match ?? [];
    return (dot, scope) => {
      const values = this.#value(expression, dot, scope) as object;
      const entries: [unknown, unknown][] = Array.isArray(values)
        ? [...values.entries()]
        : Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
      return entries
        .map(([key, value]) => {
          const inner = new Map(scope);
          if (second !== undefined) inner.set(first, key).set(second, value);
          else if (first !== "") inner.set(first, value);
          return body(value, inner);
        })
        .join("");
    };
  }

  /** A pipeline: what each command gives is the next one's last argument. */
  #value(expression: string, dot: unknown, scope: Scope): unknown {
    const tokens = [...expression.matchAll(TOKEN)].map(([, token]) => token as string);
    const value = this.#pipeline(tokens, dot, scope);
    if (tokens.length > 0) throw new Error(`${expression}: ${tokens.join(" ")} is left`);
    return value;
  }

  #pipeline(tokens: string[], dot: unknown, scope: Scope): unknown {
    let value: unknown;
    for (let isFirst = true; isFirst || tokens[0] === "|"; isFirst = false) {
      if (!isFirst) tokens.shift();
      const words: unknown[] = [];
      const name = tokens[0] as string;
      const isCall = name in this.#functions;
      if (isCall) tokens.shift();
      while (tokens.length > 0 && tokens[0] !== "|" && tokens[0] !== ")") {
        words.push(this.#operand(tokens, dot, scope));
      }
      if (!isFirst) words.push(value);
      if (!isCall && words.length !== 1) throw new Error(`no function is called ${name}`);
      value = isCall ? this.#functions[name]?.(...(words as never[])) : words[0];
    }
    return value;
  }

  #operand(tokens: string[], dot: unknown, scope: Scope): unknown {
    const token = tokens.shift() as string;
    if (token === "(") {
      const value = this.#pipeline(tokens, dot, scope);
      if (tokens.shift() !== ")") throw new Error("a ) is missing");
      return value;
    }
    if (token.startsWith('"')) return JSON.parse(token);
    if (/^-?\d+$/.test(token)) return Number(token);
    const [head = "", ...path] = token.split(".");
    if (head !== "" && !scope.has(head)) throw new Error(`${token} is not known`);
    // A method of Helm's: .Files.Get "name".
    let value: unknown = head === "" ? dot : scope.get(head);
    for (const key of path.filter((each) => each !== "")) {
      value = (value as Record<string, unknown> | undefined)?.[key];
    }
    if (typeof value === "function") return value(this.#operand(tokens, dot, scope));
    return value;
  }
}

function actionOf(piece: Piece | undefined): string {
  return piece?.isAction === true ? piece.text : "";
}

function endOf(pieces: Piece[], name: string): void {
  if (actionOf(pieces.shift()) !== "end") throw new Error(`${name}: an end is missing`);
}

/** Text and actions in turn; a dash takes the blanks on its side away. */
function piecesOf(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let isTrimmed = false;
  const add = (raw: string, trimsEnd: boolean): void => {
    let text = isTrimmed ? raw.trimStart() : raw;
    if (trimsEnd) text = text.trimEnd();
    if (text !== "") pieces.push({ text, isAction: false });
  };
  for (const match of source.matchAll(ACTION)) {
    add(source.slice(at, match.index), match[1] !== undefined);
    pieces.push({ text: match[2] as string, isAction: true });
    isTrimmed = match[3] !== undefined;
    at = match.index + match[0].length;
  }
  add(source.slice(at), false);
  return pieces;
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}

const FUNCTIONS: Readonly<Record<string, (...values: never[]) => unknown>> = {
  b64enc: (text: string) => Buffer.from(text).toString("base64"),
  contains: (part: string, text: string) => text.includes(part),
  default: (other: unknown, value: unknown) => (isTrue(value) ? value : other),
  index: (values: Record<string, unknown>, key: string) => values[key],
  int: (value: number) => Math.trunc(value),
  int64: (value: number) => Math.trunc(value),
  // Helm's numbers are all float64, as JSON's.
  kindIs: (kind: string, value: unknown) =>
    kind === { number: "float64" }[typeof value as "number"],
  lookup: () => undefined,
  nindent: (width: number, text: string) =>
    `\n${text
      .split("\n")
      .map((line) => " ".repeat(width) + line)
      .join("\n")}`,
  not: (value: unknown) => !isTrue(value),
  print: (...values: unknown[]) => values.map(textOf).join(""),
  printf: (format: string, ...values: unknown[]) =>
    format.replaceAll("%s", () => textOf(values.shift())),
  quote: (value: unknown) => JSON.stringify(textOf(value)),
  randAlphaNum: (length: number) => "x".repeat(length),
  sha256sum: (text: string) => createHash("sha256").update(text).digest("hex"),
  toYaml: (value: unknown) => stringify(value).trimEnd(),
  trimSuffix: (suffix: string, text: string) =>
    text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  trunc: (length: number, text: string) => text.slice(0, length),
  until: (count: number) => Array.from({ length: count }, (_, index) => index),
};

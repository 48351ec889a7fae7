/** A running node's admin API, asked from the command line: `shardcached top` and `cluster`. */
import { TOKEN_ENVIRONMENT } from "./access.ts";

const ANSWER_MILLISECONDS_MAX = 5000;
export const URL_DEFAULT = "http://127.0.0.1:11280/";
/** EX_USAGE, EX_UNAVAILABLE of sysexits.h. */
export const USAGE_EXIT = 64;
export const UNAVAILABLE_EXIT = 69;

/** The address as a URL; null when it is none. */
export function urlFrom(text: string): string | null {
  const url = text.includes("://") ? text : `http://${text}`;
  return URL.canParse(url) ? url : null;
}

/** Asks `path`, with `body` as a change. Throws in words. */
export async function askNode<Answer>(base: string, path: string, body?: unknown): Promise<Answer> {
  const token = process.env[TOKEN_ENVIRONMENT] ?? "";
  const change = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", "x-shardcached": "1" },
  };
  const { headers = {}, ...request } = body === undefined ? {} : change;
  const response = await fetch(new URL(path, base), {
    ...request,
    headers: { ...headers, ...(token === "" ? {} : { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(ANSWER_MILLISECONDS_MAX),
  });
  const { status } = response;
  // A change that is refused is told why.
  if (status === 401 || (status === 403 && body === undefined)) {
    throw new Error(`it wants a token: set ${TOKEN_ENVIRONMENT}`);
  }
  if (!response.ok) throw new Error(await refusalOf(response));
  return (await response.json()) as Answer;
}

async function refusalOf(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    if (typeof error === "string") return error;
  } catch {
    // Not one of ours.
  }
  return `it answered ${response.status}`;
}

/** fetch hides why behind "fetch failed". */
export function reason(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

/**
 * What shardcached says of itself: how much of the work crossed between threads. Other servers say
 * nothing of the kind.
 */
import { connect } from "node:net";

/** A server that has not answered by then does not know the command. */
const ANSWER_MILLISECONDS_MAX = 2000;

/** Crossings between threads, each as a share of the gets and sets served. */
export interface Crossings {
  /** Gets served by reading the memory of the shard, whoever owns it. */
  direct: number;
  /** Requests handed to another thread. */
  sent: number;
  onLoan: number;
  /** Threads woken for them. */
  woken: number;
  /** Turns of the event loops. */
  turns: number;
}

/** Sums "STAT 3:name value" over all threads, by name. */
export function sumWorkerStats(text: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^STAT \d+:(\w+) (\d+)\r?$/gm)) {
    sums.set(name as string, (sums.get(name as string) ?? 0) + Number(value));
  }
  return sums;
}

/** The server's `stats workers`, summed; empty when it has no such list. */
export function workerStats(port: number): Promise<Map<string, number>> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("stats workers\r\n"));
    const done = () => {
      socket.destroy();
      resolve(sumWorkerStats(text));
    };
    socket.setTimeout(ANSWER_MILLISECONDS_MAX, done);
    socket.on("error", done);
    socket.on("close", done);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (/^(END|RESET|-?(CLIENT_)?ERR.*)\r$/m.test(text)) done();
    });
  });
}

/** What was crossed between two looks; null when the server does not say. */
export function crossings(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Crossings | null {
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const served = grown("cmd_get") + grown("cmd_set");
  if (served <= 0) return null;
  return {
    direct: grown("reads_direct") / served,
    sent: grown("requests_sent") / served,
    onLoan: grown("requests_on_loan") / served,
    woken: grown("wakes_sent") / served,
    turns: grown("loop_turns") / served,
  };
}

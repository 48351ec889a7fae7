/**
 * Asks another node what list it tells, as a client would: `config get cluster`.
 *
 * An answer that is late, long or none is null: nodes that are down, that hide behind a login or
 * are memcached say nothing about versions, and that stops nobody.
 */
import { connect } from "node:net";
import { CLUSTER_LIST_BYTES_MAX } from "../command/limits.ts";
import { listFrom, type NodeAddress, type NodeList } from "./node-list.ts";

const ANSWER_MILLISECONDS_MAX = 500;
/** A list, and the words around it. */
const ANSWER_BYTES_MAX = CLUSTER_LIST_BYTES_MAX + 256;
const QUESTION = "config get cluster\r\n";
const END = "\n\r\nEND\r\n";
const HEAD = /^CONFIG cluster 0 (\d{1,6})\r\n/;

export function askPeer(
  { host, port }: NodeAddress,
  waitMilliseconds = ANSWER_MILLISECONDS_MAX,
): Promise<NodeList | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = "";
    const end = (list: NodeList | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(list);
    };
    const timer = setTimeout(() => end(null), waitMilliseconds);
    socket.setEncoding("latin1");
    socket.once("connect", () => socket.write(QUESTION));
    socket.on("data", (text: string) => {
      answer += text;
      if (answer.endsWith(END)) end(listOfAnswer(answer));
      else if (answer.length > ANSWER_BYTES_MAX || isRefusal(answer)) end(null);
    });
    socket.once("error", () => end(null));
    socket.once("close", () => end(null));
  });
}

function isRefusal(answer: string): boolean {
  return /^(?:CLIENT_|SERVER_)?ERROR[^\n]*\n/.test(answer);
}

function listOfAnswer(answer: string): NodeList | null {
  const head = HEAD.exec(answer);
  if (head === null) return null;
  const start = head[0].length;
  return listFrom(answer.slice(start, start + Number(head[1])));
}

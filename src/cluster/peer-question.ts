/**
 * Asks another node what list it tells, as a client would: `config get cluster`.
 *
 * Where nodes want a login (-Y), this one logs in as the first user of its own file, which is
 * theirs too. An answer that is late, long or none is null: nodes that are down, that let us not
 * in or are memcached say nothing about versions, and that stops nobody.
 */
import { connect } from "node:net";
import { CLUSTER_LIST_BYTES_MAX } from "../command/limits.ts";
import { listFrom, type NodeAddress, type NodeList } from "./node-list.ts";

const ANSWER_MILLISECONDS_MAX = 500;
/** A list, and the words around it. */
const ANSWER_BYTES_MAX = CLUSTER_LIST_BYTES_MAX + 256;
const QUESTION = "config get cluster\r\n";
const END = "\n\r\nEND\r\n";
const HEAD = /^(?:STORED\r\n)?CONFIG cluster 0 (\d{1,6})\r\n/;

/** Who we are, where a peer asks. */
export interface PeerLogin {
  readonly user: Buffer;
  readonly password: Buffer;
}

export function askPeer(
  { host, port }: NodeAddress,
  login: PeerLogin | null = null,
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
    socket.once("connect", () => socket.write(`${loginText(login)}${QUESTION}`, "latin1"));
    socket.on("data", (text: string) => {
      answer += text;
      if (answer.endsWith(END)) end(listOfAnswer(answer));
      else if (answer.length > ANSWER_BYTES_MAX || isRefusal(answer)) end(null);
    });
    socket.once("error", () => end(null));
    socket.once("close", () => end(null));
  });
}

/** The text protocol's login: a set of any key. */
function loginText(login: PeerLogin | null): string {
  if (login === null) return "";
  const text = `${login.user.toString("latin1")} ${login.password.toString("latin1")}`;
  return `set auth 0 0 ${text.length}\r\n${text}\r\n`;
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

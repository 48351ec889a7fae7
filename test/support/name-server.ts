/** A name server on loopback that answers every SRV question with the records it is given. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

const HEADER_BYTES = 12;
const TYPE_SRV = 33;
const CLASS_IN = 1;
const NO_SUCH_NAME = 3;

export interface SrvAnswer {
  readonly name: string;
  readonly port: number;
}

export interface NameServer {
  readonly address: string;
  /** What is answered; null: there is no such name. */
  records: readonly SrvAnswer[] | null;
  /** Questions so far. */
  readonly asked: () => number;
  close(): void;
}

export async function startNameServer(): Promise<NameServer> {
  const socket = createSocket("udp4");
  let questions = 0;
  socket.on("message", (question, from) => {
    questions += 1;
    socket.send(answerTo(question, server.records), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  const server: NameServer = {
    address: `127.0.0.1:${port}`,
    records: [],
    asked: () => questions,
    close: () => socket.close(),
  };
  return server;
}

function answerTo(question: Buffer, records: readonly SrvAnswer[] | null): Buffer {
  let end = HEADER_BYTES;
  while (question[end] !== 0) end += (question[end] as number) + 1;
  end += 5; // the root label, type and class
  const header = Buffer.from(question.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(0x8180 | (records === null ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(records?.length ?? 0, 6);
  header.writeUInt16BE(0, 8);
  header.writeUInt16BE(0, 10);
  return Buffer.concat([header, question.subarray(HEADER_BYTES, end), ...(records ?? []).map(srv)]);
}

function srv({ name, port }: SrvAnswer): Buffer {
  const target = Buffer.concat([
    ...name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ]);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name asked for
  head.writeUInt16BE(TYPE_SRV, 2);
  head.writeUInt16BE(CLASS_IN, 4);
  head.writeUInt32BE(5, 6);
  head.writeUInt16BE(6 + target.length, 10);
  const data = Buffer.alloc(6);
  data.writeUInt16BE(10, 2);
  data.writeUInt16BE(port, 4);
  return Buffer.concat([head, data, target]);
}

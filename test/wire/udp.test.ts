/**
 * UDP (-U) on the loopback interface, against the real memcached too: frames, one message per
 * response, what is dropped and what is refused.
 *
 * Where silence is expected, a request that is answered follows it: its answer comes last and
 * alone, so nothing is waited for.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, describe, expect, test } from "vitest";
import { BinaryStatus, Opcode, packet, storeExtras } from "../support/binary-packets.ts";
import { type Cell, fleet } from "../support/server-matrix.ts";
import type { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";

const FRAME_BYTES = 8;
const DATAGRAM_BYTES_MAX = 1400;
const REQUEST_ID = 0x1234;
const LAST_ID = 0x7fff;
const REFUSED = "SERVER_ERROR reply too large for one datagram\r\n";

interface Datagram {
  readonly id: number;
  readonly sequence: number;
  readonly count: number;
  readonly reserved: number;
  readonly payload: string;
  readonly bytes: number;
}

interface Frame {
  readonly id?: number;
  readonly sequence?: number;
  readonly count?: number;
  readonly reserved?: number;
}

/** One UDP socket of a client, and what came back. */
class UdpClient {
  readonly #socket: Socket = createSocket("udp4");
  readonly #port: number;
  readonly #heard: Datagram[] = [];

  constructor(server: TestServer) {
    this.#port = server.udpPort;
    this.#socket.on("message", (message) => {
      this.#heard.push({
        id: message.readUInt16BE(0),
        sequence: message.readUInt16BE(2),
        count: message.readUInt16BE(4),
        reserved: message.readUInt16BE(6),
        payload: message.toString("latin1", FRAME_BYTES),
        bytes: message.length,
      });
    });
  }

  send(payload: string | Buffer, frame: Frame = {}): void {
    const head = Buffer.alloc(FRAME_BYTES);
    head.writeUInt16BE(frame.id ?? REQUEST_ID, 0);
    head.writeUInt16BE(frame.sequence ?? 0, 2);
    head.writeUInt16BE(frame.count ?? 1, 4);
    head.writeUInt16BE(frame.reserved ?? 0, 6);
    this.sendRaw(Buffer.concat([head, Buffer.from(payload as string, "latin1")]));
  }

  sendRaw(datagram: Buffer): void {
    this.#socket.send(datagram, this.#port, "127.0.0.1");
  }

  /** All datagrams up to `count`, in the order they came. */
  async hear(count: number): Promise<Datagram[]> {
    while (this.#heard.length < count) await once(this.#socket, "message");
    return this.#heard.splice(0);
  }

  /** Asks, and expects these payloads, each a message of one datagram. */
  async ask(
    payload: string | Buffer,
    replies: readonly string[],
    frame: Frame = {},
  ): Promise<void> {
    this.send(payload, frame);
    const id = frame.id ?? REQUEST_ID;
    const heard = await this.hear(replies.length);
    expect(heard).toEqual(
      replies.map((reply) => ({
        id,
        sequence: 0,
        count: 1,
        reserved: 0,
        payload: reply,
        bytes: FRAME_BYTES + reply.length,
      })),
    );
  }

  /**
   * Nothing else was answered before this. Waits its turn behind what several threads may still
   * have in hand.
   */
  async expectSilence(): Promise<void> {
    await this.ask("mn\r\n", ["MN\r\n"], { id: LAST_ID });
  }

  close(): void {
    this.#socket.close();
  }
}

/** Tests with a client of its own on every server of a fleet. */
function udpOn(cells: readonly Cell[]) {
  return (name: string, play: (udp: UdpClient, server: TestServer) => Promise<void>): void => {
    describe(name, () => {
      for (const cell of cells) {
        test(cell.label, async () => {
          const udp = new UdpClient(cell.server);
          const tcp = await WireClient.connect(cell.server);
          try {
            await tcp.ask("flush_all\r\n", "OK\r\n");
            await tcp.ask("set apple 5 0 3\r\nred\r\n", "STORED\r\n");
            await tcp.ask("set fig 6 0 4\r\nblue\r\n", "STORED\r\n");
            await tcp.ask(`set big 0 0 3000\r\n${"x".repeat(3000)}\r\n`, "STORED\r\n");
            await play(udp, cell.server);
          } finally {
            udp.close();
            tcp.destroy();
          }
        });
      }
    });
  };
}

const APPLE = "VALUE apple 5 3\r\nred\r\n";
const FIG = "VALUE fig 6 4\r\nblue\r\n";

const cells = fleet({ args: ["-U", "-1"] });
const udp = udpOn(cells);
const own = udpOn(cells.filter(({ spec }) => spec.implementation !== "memcached"));

describe("classic and meta commands", () => {
  udp("a get answers with the id it was asked with", async (client) => {
    for (const id of [0, 1, 0xffff]) await client.ask("get apple\r\n", [`${APPLE}END\r\n`], { id });
    await client.ask("get nothing\r\n", ["END\r\n"]);
  });

  udp("each hit of a line of keys is a message, the last with END", async (client) => {
    await client.ask("get apple nothing fig\r\n", [APPLE, `${FIG}END\r\n`]);
  });

  udp("stores, deletes and counts", async (client) => {
    await client.ask("set n 1 0 1\r\n9\r\n", ["STORED\r\n"]);
    await client.ask("incr n 1\r\n", ["10\r\n"]);
    await client.ask("delete n\r\n", ["DELETED\r\n"]);
    await client.ask("delete n\r\n", ["NOT_FOUND\r\n"]);
  });

  udp("several commands in one datagram are answered in order", async (client) => {
    await client.ask("set pear 0 0 1\r\np\r\nget pear\r\ndelete pear\r\n", [
      "STORED\r\n",
      "VALUE pear 0 1\r\np\r\nEND\r\n",
      "DELETED\r\n",
    ]);
  });

  udp("noreply is not answered", async (client) => {
    await client.ask("set pear 0 0 1 noreply\r\np\r\nget pear\r\n", [
      "VALUE pear 0 1\r\np\r\nEND\r\n",
    ]);
  });

  udp("meta commands", async (client) => {
    await client.ask("mg apple v f\r\n", ["VA 3 f5\r\nred\r\n"]);
    await client.ask("mg apple s k\r\nmn\r\n", ["HD s3 kapple\r\n", "MN\r\n"]);
    await client.ask("ms pear 2\r\npp\r\nmd pear q\r\nmg pear v\r\n", ["HD\r\n", "EN\r\n"]);
  });

  udp("errors", async (client) => {
    await client.ask("bogus\r\n", ["ERROR\r\n"]);
    await client.ask(`get ${"k".repeat(251)}\r\n`, ["CLIENT_ERROR bad command line format\r\n"]);
  });
});

describe("binary packets", () => {
  const get = (key: string) => packet({ opcode: Opcode.get, key, opaque: 7 });
  const noop = packet({ opcode: Opcode.noop, opaque: 8 });

  udp("a datagram whose first byte says so is binary, beside text ones", async (client) => {
    client.send(get("apple"));
    const [hit] = await client.hear(1);
    expect(hit?.payload.slice(0, 2)).toBe("\x81\0");
    expect(hit?.payload.slice(-7)).toBe("\0\0\0\x05red");
    await client.ask("get apple\r\n", [`${APPLE}END\r\n`]);
  });

  udp("packets of one datagram are a message each", async (client) => {
    client.send(
      Buffer.concat([
        packet({ opcode: Opcode.set, key: "z", value: "Z", extras: storeExtras(0, 0), opaque: 1 }),
        get("z"),
        noop,
      ]),
    );
    const heard = await client.hear(3);
    expect(heard.map(({ payload }) => payload.charCodeAt(1))).toEqual([
      Opcode.set,
      Opcode.get,
      Opcode.noop,
    ]);
    expect(heard.every(({ sequence, count }) => sequence === 0 && count === 1)).toBe(true);
  });

  own("a quiet miss says nothing: memcached sends an empty datagram", async (client) => {
    client.send(Buffer.concat([packet({ opcode: Opcode.getQ, key: "nothing" }), noop]));
    const heard = await client.hear(1);
    expect(heard.map(({ payload }) => payload.charCodeAt(1))).toEqual([Opcode.noop]);
  });

  own("a reply over one datagram is refused in the packet's own terms", async (client) => {
    client.send(get("big"));
    const [refused] = await client.hear(1);
    const bytes = Buffer.from(refused?.payload ?? "", "latin1");
    expect(bytes[1]).toBe(Opcode.get);
    expect(bytes.readUInt16BE(6)).toBe(BinaryStatus.tooLarge);
    expect(bytes.readUInt32BE(12)).toBe(7);
    expect(bytes.toString("latin1", 24)).toBe("Too large.");
  });
});

describe("what is dropped", () => {
  udp("parts of a message, and frames without a payload", async (client) => {
    for (const count of [0, 2, 3, 0xffff]) client.send("get apple\r\n", { count });
    client.sendRaw(Buffer.from("\0\x07\0\0\0\x01\0\0", "latin1"));
    client.sendRaw(Buffer.from("get apple\r\n".slice(0, 7)));
    client.sendRaw(Buffer.alloc(0));
    await client.expectSilence();
  });

  udp("sequence number and reserved bytes are not looked at", async (client) => {
    const reply = [`${APPLE}END\r\n`];
    await client.ask("get apple\r\n", reply, { sequence: 5, reserved: 0xffff });
  });

  udp("a request without its line end", async (client) => {
    client.send("get apple");
    await client.expectSilence();
    await client.ask("get apple\r\nget fig", [`${APPLE}END\r\n`]);
  });

  own(
    "half a request leaves nothing for the next datagram; in memcached it does",
    async (client) => {
      client.send("set apple 0 0 100\r\nhalf");
      await client.ask("get apple\r\n", [`${APPLE}END\r\n`]);
      client.send("get ");
      await client.expectSilence();
      client.send(packet({ opcode: Opcode.get, key: "apple" }).subarray(0, 20));
      await client.expectSilence();
    },
  );

  own("quit is not answered; memcached sends an empty datagram", async (client) => {
    client.send("quit\r\n");
    await client.expectSilence();
  });

  own("a server's own words: two servers would never stop to refuse each other", async (client) => {
    for (const words of ["ERROR\r\n", "CLIENT_ERROR x\r\n", REFUSED, "\x81\0\0\0"]) {
      client.send(words);
    }
    await client.expectSilence();
  });
});

describe("CVE-2018-1000115: a forged address is no lever", () => {
  own("a large value is refused in one datagram", async (client) => {
    await client.ask("get big\r\n", [REFUSED]);
    await client.ask("get apple big\r\n", [REFUSED]);
    await client.ask("mg big v\r\n", [REFUSED]);
  });

  own("so are many small ones, and lists", async (client) => {
    await client.ask(`get ${"apple ".repeat(200)}\r\n`, [REFUSED]);
    await client.ask("mn\r\n".repeat(340), [REFUSED]);
    await client.ask("stats\r\n", [REFUSED]);
  });

  own("a reply that just fits one datagram is sent, one byte more is not", async (client) => {
    const most = DATAGRAM_BYTES_MAX - FRAME_BYTES - "VALUE edge 0 1365\r\n\r\nEND\r\n".length;
    for (const bytes of [most, most + 1]) {
      const value = "v".repeat(bytes);
      await client.ask(`set edge 0 0 ${bytes} noreply\r\n${value}\r\nmn\r\n`, ["MN\r\n"]);
      const reply = `VALUE edge 0 ${bytes}\r\n${value}\r\nEND\r\n`;
      await client.ask("get edge\r\n", [bytes === most ? reply : REFUSED]);
    }
  });

  own("a dump of all keys ends when it is refused", async (client) => {
    for (let n = 0; n < 40; n++) {
      await client.ask(`set dumped${n} 0 0 1\r\nd\r\n`, ["STORED\r\n"]);
    }
    await client.ask("lru_crawler metadump all\r\n", [REFUSED]);
    await client.expectSilence();
  });
});

describe("CVE-2022-48571: an upload in many datagrams", () => {
  udp("is dropped, and the server serves on", async (client) => {
    const count = 5;
    for (let sequence = 0; sequence < count; sequence++) {
      const part = sequence === 0 ? "set apple 0 0 6000\r\n" : "x".repeat(1392);
      client.send(part, { sequence, count });
    }
    await client.ask("get apple\r\n", [`${APPLE}END\r\n`]);
  });
});

describe("any bytes at all", () => {
  own("are answered or dropped, and the server serves on", async (client) => {
    let seed = 0x2545f491;
    for (let n = 0; n < 200; n++) {
      const bytes = Buffer.alloc(1 + (n % 60));
      for (let at = 0; at < bytes.length; at++) {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
        bytes[at] = seed >>> 24;
      }
      if (n % 2 === 0) client.sendRaw(bytes);
      else client.send(bytes);
    }
    client.send("get apple\r\n", { id: LAST_ID });
    let last: Datagram | undefined;
    while (last?.id !== LAST_ID) last = (await client.hear(1)).at(-1);
    expect(last.payload).toBe(`${APPLE}END\r\n`);
  });
});

const several = udpOn(fleet({ args: ["-U", "-1"], ownArgs: ["-o", "udp_multi_datagram"] }));

describe("-o udp_multi_datagram", () => {
  several("a value of 3000 bytes comes in three datagrams, as from memcached", async (client) => {
    client.send("get big\r\n");
    const heard = await client.hear(3);
    const reply = `VALUE big 0 3000\r\n${"x".repeat(3000)}\r\nEND\r\n`;
    expect(heard.map(({ payload }) => payload).join("")).toBe(reply);
    expect(heard.map(({ sequence, count, bytes }) => [sequence, count, bytes])).toEqual([
      [0, 3, 1400],
      [1, 3, 1400],
      [2, 3, reply.length - 2 * 1392 + 8],
    ]);
  });

  several("every message counts its own", async (client) => {
    client.send("get apple big fig\r\n");
    const heard = await client.hear(5);
    expect(heard.map(({ sequence, count }) => [sequence, count])).toEqual([
      [0, 1],
      [0, 3],
      [1, 3],
      [2, 3],
      [0, 1],
    ]);
  });
});

describe("what listens", () => {
  for (const cell of cells) {
    test(`stats name the UDP port: ${cell.label}`, async () => {
      const tcp = await WireClient.connect(cell.server);
      await tcp.send("stats conns\r\n");
      const text = await tcp.readThrough("END\r\n");
      expect(text).toContain(":UDP UDP\r\n");
      expect(text).toContain(`:addr udp:127.0.0.1:${cell.server.udpPort}\r\n`);
      tcp.destroy();
    });
  }
});

afterAll(() => {
  expect(cells.every(({ server }) => !server.hasExited)).toBe(true);
});

/**
 * Exactly one winner: of many connections on several workers that ask for one key at the same
 * moment, one is told to fetch it anew (W), the others that somebody does (Z); for an absent key,
 * for a stale one, and for one about to expire.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "../support/test-server.ts";

const CONNECTIONS = 24;
const ROUNDS = 150;

/** One connection that asks for a line and gets a line, or a value of no bytes and its line. */
class Asker {
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
  }

  async connected(): Promise<void> {
    await once(this.#socket, "connect");
  }

  async ask(request: string): Promise<string> {
    this.#socket.write(request);
    let text = "";
    do {
      const [bytes] = (await once(this.#socket, "data")) as [Buffer];
      text += bytes.toString("latin1");
    } while (!text.endsWith("\r\n"));
    return text;
  }

  close(): void {
    this.#socket.destroy();
  }
}

for (const [transport, threads] of [
  ["native", 4],
  ["native", 2],
  ["node", 2],
] as const) {
  describe(`${CONNECTIONS} connections, ${threads} threads, ${transport}`, () => {
    let server: TestServer;
    let askers: Asker[] = [];

    beforeAll(async () => {
      server = await TestServer.start({ implementation: "shardcached", threads, transport });
      askers = Array.from({ length: CONNECTIONS }, () => new Asker(server.port));
      await Promise.all(askers.map((asker) => asker.connected()));
    });

    afterAll(async () => {
      for (const asker of askers) asker.close();
      await server.stop();
    });

    /** All ask at once; how many were told W, and how many Z. */
    async function stampede(request: string): Promise<[number, number]> {
      const answers = await Promise.all(askers.map((asker) => asker.ask(request)));
      const told = (flag: string) => answers.filter((text) => text.split(/[ \r]/).includes(flag));
      return [told("W").length, told("Z").length];
    }

    test("an absent key that is vivified has one winner", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const key = `absent${round}`;
        expect(await stampede(`mg ${key} s N30 t\r\n`)).toEqual([1, CONNECTIONS - 1]);
      }
    });

    test("a stale key has one winner each time it is invalidated", async () => {
      const [first] = askers as [Asker];
      for (let round = 0; round < ROUNDS; round++) {
        const key = `stale${round % 7}`;
        expect(await first.ask(`ms ${key} 0\r\n\r\n`)).toBe("HD\r\n");
        expect(await stampede(`mg ${key} s c\r\n`)).toEqual([0, 0]);
        expect(await first.ask(`md ${key} I T30\r\n`)).toBe("HD\r\n");
        expect(await stampede(`mg ${key} s c\r\n`)).toEqual([1, CONNECTIONS - 1]);
        expect(await stampede(`mg ${key} s c\r\n`)).toEqual([0, CONNECTIONS]);
      }
    });

    test("a key about to expire has one winner, until it is stored anew", async () => {
      const [first] = askers as [Asker];
      for (let round = 0; round < ROUNDS; round++) {
        const key = `ageing${round % 5}`;
        expect(await first.ask(`ms ${key} 0 T100\r\n\r\n`)).toBe("HD\r\n");
        expect(await stampede(`mg ${key} s R30\r\n`)).toEqual([0, 0]);
        expect(await stampede(`mg ${key} s R300\r\n`)).toEqual([1, CONNECTIONS - 1]);
      }
    });
  });
}

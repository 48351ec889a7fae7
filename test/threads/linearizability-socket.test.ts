/**
 * Operations on one key are linearizable, seen from outside: many connections to a server of
 * several threads, and to a real memcached, which shows that the scripts and the checker ask for
 * nothing that a cache need not do.
 */
import { describe, expect, test } from "vitest";
import { type ServerSpec, TestServer } from "../support/test-server.ts";
import { byKey } from "./history.ts";
import { checkKey } from "./linearizability.ts";
import { Script } from "./script.ts";
import { readStat, SocketClient } from "./socket-client.ts";

const CLIENTS = 16;
const OPERATIONS = Number(process.env["SHARDCACHED_LINEARIZABILITY_OPERATIONS"] ?? 500);
const SEED = Number(process.env["SHARDCACHED_SEED"] ?? 20262);

const servers: [string, ServerSpec][] = [
  ["memcached", { implementation: "memcached", threads: 4, transport: "native" }],
  ...[
    { threads: 2, transport: "native", lending: true } as const,
    { threads: 4, transport: "native", lending: false } as const,
    { threads: 2, transport: "node", lending: false } as const,
    { threads: 2, transport: "node", lending: true } as const,
  ].map((spec): [string, ServerSpec] => [
    `${spec.threads} threads, ${spec.transport}${spec.lending ? ", lending" : ""}`,
    { implementation: "shardcached", ...spec },
  ]),
];

describe(`histories of ${CLIENTS} connections, seed ${SEED}, are linearizable`, () => {
  for (const [name, spec] of servers) {
    for (const pressure of [false, true]) {
      test(`${name}${pressure ? ", while the cache evicts" : ""}`, async () => {
        const memory = pressure ? "6" : "64";
        const ownArgs = ["-I", "128k"];
        const server = await TestServer.start({ ...spec, args: ["-m", memory], ownArgs });
        const options = { operations: OPERATIONS, seed: SEED, pressure, textBytesMax: 12_000 };
        const clients = Array.from(
          { length: CLIENTS },
          (_, client) => new SocketClient(new Script(client, options), server.port),
        );
        const histories = await Promise.all(clients.map((client) => client.play()));
        const evictions = await readStat(server.port, "evictions");
        await server.stop();
        expect(evictions > 0).toBe(pressure);
        for (const [key, history] of byKey(histories.flat())) {
          const verdict = checkKey(history, { mayVanish: pressure });
          expect(verdict.linearizable, `${key} at ${JSON.stringify(verdict.stuckAt)}`).toBe(true);
        }
      });
    }
  }
});

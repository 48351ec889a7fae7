/** What regression tests do to every server: play, then see that it still runs. */
import { describe, expect, test } from "vitest";
import type { Cell } from "./server-matrix.ts";
import type { TestServer } from "./test-server.ts";
import { WireClient } from "./wire-client.ts";

/** A test a server, which must survive it. */
export function each(
  name: string,
  servers: readonly Cell[],
  play: (server: TestServer) => Promise<void>,
): void {
  if (servers.length === 0) return;
  describe(name, () => {
    for (const cell of servers) {
      test(cell.label, async () => {
        await play(cell.server);
        expect(cell.server.hasExited).toBe(false);
      });
    }
  });
}

/** Shows that the server answers somebody new. */
export async function serves(server: TestServer): Promise<void> {
  const client = await WireClient.connect(server);
  await client.ask("version\r\n", `VERSION ${server.version}\r\n`);
  client.destroy();
}

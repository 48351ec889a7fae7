import type { TestServer } from "./test-server.ts";
import { WireClient } from "./wire-client.ts";

/** One line of `stats`, asked on a connection of its own; empty when there is none of that name. */
export async function stat(server: TestServer, name: string): Promise<string> {
  const client = await WireClient.connect(server);
  await client.send("stats\r\n");
  const text = await client.readThrough("END\r\n");
  client.destroy();
  return new RegExp(`^STAT ${name} (.*)\r$`, "m").exec(text)?.[1] ?? "";
}

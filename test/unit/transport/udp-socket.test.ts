/** UdpSocket over the loopback interface. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { Libc } from "../../../src/transport/libc.ts";
import { NO_DATAGRAM, UDP_REGION_BYTES, UdpSocket } from "../../../src/transport/udp-socket.ts";
import { until } from "./harness.ts";

describe("UdpSocket", () => {
  const libc = Libc.load();

  const loopbacks = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const here = loopbacks.filter((entry) => entry.internal).map((entry) => entry.address);
  const families = [
    ["127.0.0.1", "udp4"],
    ["::1", "udp6"],
  ] as const;
  for (const [address, family] of families.filter(([each]) => here.includes(each))) {
    test(`answers whoever sent, over ${address}`, async () => {
      const arena = libc.arena(new SharedArrayBuffer(2 * UDP_REGION_BYTES));
      const server = new UdpSocket(libc, arena, UDP_REGION_BYTES, address, 0);
      expect(server.port).toBeGreaterThan(0);
      expect(server.receive()).toBe(NO_DATAGRAM);
      const clients = [createSocket(family), createSocket(family)];
      try {
        for (const [index, client] of clients.entries()) {
          client.send(`ping ${index}`, server.port, address);
          let bytes = NO_DATAGRAM;
          await until(
            () => bytes !== NO_DATAGRAM,
            () => {
              bytes = server.receive();
            },
          );
          expect(bytes).toBe(6);
          const heard = once(client, "message");
          expect(server.reply(server.datagramOffset, bytes)).toBe(true);
          expect(String((await heard)[0])).toBe(`ping ${index}`);
        }
      } finally {
        for (const client of clients) client.close();
        server.close();
      }
    });
  }

  test("a port that is taken is named", () => {
    const arena = libc.arena(new SharedArrayBuffer(UDP_REGION_BYTES));
    expect(() => new UdpSocket(libc, arena, 0, "192.0.2.1", 11211)).toThrow(
      "failed to listen on UDP port 11211",
    );
  });
});

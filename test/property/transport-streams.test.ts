/**
 * Streams under random handling: whatever is paused, resumed or left unread when, every byte is
 * echoed, once, in order.
 */
import { connect } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { libuvTurn, until } from "../unit/transport/harness.ts";
import { LOOPBACK, worldsHere } from "../unit/transport/worlds.ts";

const SLOT_COUNT = 4;
/** More than the socket buffers of both ends take, now and then. */
const WRITE_BYTES_MAX = 1 << 20;

type Step =
  | { readonly kind: "write"; readonly bytes: number }
  | { readonly kind: "turns"; readonly count: number }
  | { readonly kind: "serverPause" | "serverResume" | "clientPause" | "clientResume" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), bytes: sizes() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("turns" as const), count: fc.nat({ max: 5 }) }),
  },
  fc.record({
    kind: fc.constantFrom(
      "serverPause" as const,
      "serverResume" as const,
      "clientPause" as const,
      "clientResume" as const,
    ),
  }),
);

function sizes(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 4000, max: 40_000 }),
    fc.integer({ min: 1, max: WRITE_BYTES_MAX }),
  );
}

for (const [name, createWorld] of worldsHere()) {
  describe(name, () => {
    test("echoes every byte once and in order", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const world = createWorld(SLOT_COUNT);
          try {
            const port = await world.listen(LOOPBACK, SLOT_COUNT, true);
            const socket = connect(port, "127.0.0.1");
            let received = 0;
            let wrong = 0;
            socket.on("data", (chunk) => {
              for (const byte of chunk) if (byte !== (received++ * 7) % 251) wrong++;
            });
            await until(
              () => world.handler.openCount === 1,
              () => world.turn(),
            );
            const [slot] = [...world.handler.peers.keys()] as [number];
            let written = 0;
            for (const each of steps) {
              if (each.kind === "write") {
                const bytes = Buffer.alloc(each.bytes);
                for (let i = 0; i < bytes.length; i++) bytes[i] = (written++ * 7) % 251;
                socket.write(bytes);
              } else if (each.kind === "turns") {
                for (let i = 0; i < each.count; i++) {
                  world.turn();
                  await libuvTurn();
                }
              } else if (each.kind === "clientPause") socket.pause();
              else if (each.kind === "clientResume") socket.resume();
              else if (each.kind === "serverPause") world.transport.pause(slot);
              else if (!world.handler.kept.has(slot)) world.transport.resume(slot);
            }
            socket.resume();
            if (!world.handler.kept.has(slot)) world.transport.resume(slot);
            await until(
              () => received === written,
              () => world.turn(),
            );
            expect(wrong).toBe(0);
            socket.destroy();
            await until(
              () => world.control.openConnections() === 0,
              () => world.turn(),
            );
          } finally {
            world.destroy();
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}

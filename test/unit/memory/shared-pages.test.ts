import { describe, expect, test } from "vitest";
import { CACHE_LINE_BYTES, KIB, MIB } from "../../../src/base/unit.ts";
import { Libc, libcAvailable } from "../../../src/libc/libc.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { regionsOf } from "../../../src/memory/node-layout.ts";
import { sharePages } from "../../../src/memory/shared-pages.ts";
import { allocateBuffers, planMemory } from "../../../src/primary/memory-plan.ts";
import { loadFrom } from "../config/load-from.ts";

describe("sharePages()", () => {
  for (const bytes of [1, 4 * KIB, 64 * KIB + 1, 3 * MIB, 4096 * MIB]) {
    test(`holds ${bytes} bytes of zeros, to the last`, () => {
      const { buffer } = sharePages(bytes);
      expect(buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(buffer.byteLength).toBeGreaterThanOrEqual(bytes);
      const view = new Uint8Array(buffer);
      expect(view[bytes - 1]).toBe(0);
      view[bytes - 1] = 7;
      expect(new Uint8Array(buffer, bytes - 1, 1)[0]).toBe(7);
    });
  }
});

describe.runIf(libcAvailable())("addresses, as the system has them", () => {
  const addressOf = (buffer: SharedArrayBuffer, offset: number) =>
    Libc.load().memory(new Arena(buffer)).address(offset, 1);

  test("shared pages begin on a page", () => {
    const { buffer, isAligned } = sharePages(MIB);
    expect(isAligned).toBe(true);
    expect(addressOf(buffer, 0) % (4 * KIB)).toBe(0);
  });

  for (const flags of ["-t 1 -m 64", "-t 3 -m 100", "-t 2 -m 5g"]) {
    test(`every region of a node begins on a page, every bucket on a cache line: ${flags}`, () => {
      const { settings } = loadFrom({ args: flags.split(" ") });
      const { layout, bufferBytes, shardPlan } = planMemory(settings, "native");
      const buffers = allocateBuffers(bufferBytes).map(({ buffer }) => buffer);
      for (const { place, bytes } of regionsOf(layout)) {
        if (bytes === 0) continue;
        const buffer = buffers[place.arena] as SharedArrayBuffer;
        expect(addressOf(buffer, place.base) % (4 * KIB)).toBe(0);
      }
      for (const { arena, base } of layout.shards) {
        const bucket = addressOf(
          buffers[arena] as SharedArrayBuffer,
          base + shardPlan.bucketOffset,
        );
        expect(bucket % CACHE_LINE_BYTES).toBe(0);
      }
    });
  }
});

/**
 * What the echo worker of the tests is started with, and the words through which it is told and
 * tells.
 */
import type { NativeKind } from "../../../src/transport/native-transport.ts";

export interface EchoTask {
  readonly buffer: SharedArrayBuffer;
  readonly slotCount: number;
  readonly controlBase: number;
  readonly wordsBase: number;
  readonly inputBase: number;
  readonly inputBytes: number;
  readonly keptBase: number;
  readonly bellFd: number;
  readonly kind: NativeKind;
}

export const EchoWord = { echoes: 0, stop: 1, die: 2, leftovers: 3, heard: 4, sent: 5 } as const;

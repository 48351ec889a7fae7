import type { ProtocolOptions } from "../../../src/protocol/protocol-options.ts";
import type { WireOptions } from "../../../src/protocol/wire-state.ts";

/** What the cases of this folder are parsed with: no logins, everything allowed. */
export const WIRE_OPTIONS: ProtocolOptions & WireOptions = {
  itemBytesMax: 1 << 20,
  inlineValueBytesMax: 1 << 16,
  casEnabled: true,
  flushEnabled: true,
  shutdownEnabled: false,
  protocol: "auto",
  asciiAuth: false,
  listsNodes: false,
  sasl: false,
};

/** The binary protocol. */
import { Dialect } from "../../command/request.ts";
import type { Protocol } from "../protocol.ts";
import { WireProtocol } from "../wire-state.ts";
import { BINARY_CONVERSATION } from "./binary-conversation.ts";
import { BinaryEncoder } from "./binary-encoder.ts";
import { MAGIC_REQUEST } from "./binary-packet.ts";
import { BinaryParser } from "./binary-parser.ts";
import { BinaryStats } from "./binary-stats.ts";

export const BINARY: Protocol = {
  wire: WireProtocol.binary,
  firstByte: MAGIC_REQUEST,
  parser: (options, clock) => new BinaryParser(options, clock),
  conversation: BINARY_CONVERSATION,
  dialects: [
    {
      dialect: Dialect.binary,
      encoder: () => new BinaryEncoder(),
      stats: new BinaryStats(),
      rules: {
        countsMissedTouchAsGet: false,
        countsRefusedDeleteAsMiss: false,
        deleteName: "",
        statsKeyIsName: true,
      },
    },
  ],
};

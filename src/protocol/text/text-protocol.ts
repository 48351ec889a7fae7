/** The text protocol: classic commands and meta commands, line by line, as a client likes. */
import { Dialect } from "../../command/request.ts";
import { MetaEncoder } from "../meta/meta-encoder.ts";
import type { Protocol } from "../protocol.ts";
import { WireProtocol } from "../wire-state.ts";
import { ClassicEncoder } from "./classic-encoder.ts";
import { TEXT_CONVERSATION } from "./text-conversation.ts";
import { TextParser } from "./text-parser.ts";
import { TextStats } from "./text-stats.ts";

const stats = new TextStats();

export const TEXT: Protocol = {
  wire: WireProtocol.text,
  firstByte: null,
  parser: (options, clock) => new TextParser(options, clock),
  conversation: TEXT_CONVERSATION,
  dialects: [
    {
      dialect: Dialect.text,
      encoder: () => new ClassicEncoder(),
      stats,
      rules: {
        countsMissedTouchAsGet: false,
        countsRefusedDeleteAsMiss: true,
        deleteName: "delete",
        statsKeyIsName: false,
      },
    },
    {
      dialect: Dialect.meta,
      encoder: (clock) => new MetaEncoder(clock),
      stats,
      rules: {
        countsMissedTouchAsGet: true,
        countsRefusedDeleteAsMiss: true,
        deleteName: "md",
        statsKeyIsName: false,
      },
    },
  ],
};

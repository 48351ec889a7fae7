import { describe, expect, test } from "vitest";
import { loadFrom, refusalOf } from "./load-from.ts";

const auto = { protocol: "auto", tag: "" };

describe("-l", () => {
  const rows: [string, object[]][] = [
    ["-l 10.0.0.1", [{ host: "10.0.0.1", port: 11211, ...auto }]],
    ["-l 10.0.0.1 -p 5", [{ host: "10.0.0.1", port: 5, ...auto }]],
    ["-l 10.0.0.1:6 -p 5", [{ host: "10.0.0.1", port: 6, ...auto }]],
    ["-l localhost:6", [{ host: "localhost", port: 6, ...auto }]],
    ["-l *", [{ host: "*", port: 11211, ...auto }]],
    ["-l *:7", [{ host: "*", port: 7, ...auto }]],
    ["-l ::1", [{ host: "::1", port: 11211, ...auto }]],
    ["-l [::1]:9", [{ host: "::1", port: 9, ...auto }]],
    ["-l [::1]", [{ host: "::1", port: 11211, ...auto }]],
    ["-p -1 -l 127.0.0.1", [{ host: "127.0.0.1", port: 0, ...auto }]],
    [
      "-l 127.0.0.1,::1",
      [
        { host: "127.0.0.1", port: 11211, ...auto },
        { host: "::1", port: 11211, ...auto },
      ],
    ],
    [
      "-l 127.0.0.1:1;127.0.0.1:2 -l 127.0.0.1:3",
      [1, 2, 3].map((port) => ({ host: "127.0.0.1", port, ...auto })),
    ],
    ["-l 127.0.0.1,", [{ host: "127.0.0.1", port: 11211, ...auto }]],
    ["-l ;,127.0.0.1;,", [{ host: "127.0.0.1", port: 11211, ...auto }]],
    ["-l proto[ascii]:127.0.0.1", [{ host: "127.0.0.1", port: 11211, protocol: "ascii", tag: "" }]],
    ["-l proto[binary]:127.0.0.1:8", [{ host: "127.0.0.1", port: 8, protocol: "binary", tag: "" }]],
    ["-l 127.0.0.1 -B ascii", [{ host: "127.0.0.1", port: 11211, protocol: "ascii", tag: "" }]],
    ["-l proto[negotiating]:127.0.0.1 -B ascii", [{ host: "127.0.0.1", port: 11211, ...auto }]],
    ["-l tag[edge]:127.0.0.1:8", [{ host: "127.0.0.1", port: 8, protocol: "auto", tag: "edge" }]],
    ["-l tag_edge_:127.0.0.1:8", [{ host: "127.0.0.1", port: 8, protocol: "auto", tag: "edge" }]],
  ];
  for (const [flags, expected] of rows) {
    test(flags, () => {
      expect(loadFrom({ args: flags.split(" ") }).settings.listen).toEqual(expected);
    });
  }

  for (const [list, complaint] of [
    ["127.0.0.1:x", 'Invalid port number: "x"'],
    ["127.0.0.1:", 'Invalid port number: ""'],
    [",", 'Invalid address: ","'],
    ["127.0.0.1,:5", 'Invalid address: ""'],
    ["[::1", 'Invalid IPV6 address: "[::1"'],
    ["tag[toolongtag]:127.0.0.1", 'Listener tags must be between 1 and 8 characters: "toolongtag"'],
    ["proto[proxy]:127.0.0.1", 'This server is no proxy: "proto[proxy]"'],
    ["proto[foo]:127.0.0.1", 'Unknown listener protocol: "proto[foo]"'],
    ["mtls:127.0.0.1", "'mtls' option is valid only when SSL is enabled"],
  ] as const) {
    test(`${list} is refused`, () => {
      const { message, exitCode } = refusalOf({ args: ["-l", list] });
      expect(message.startsWith(complaint)).toBe(true);
      expect(exitCode).toBe(71);
    });
  }
});

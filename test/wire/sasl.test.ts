/**
 * SASL over the binary protocol (-S): what is served before a login, PLAIN in one step and in two,
 * refusals.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryStatus, Opcode, packet, response, responses } from "../support/binary-packets.ts";
import { closes, transcriptsOn } from "../support/transcript.ts";

const folder = mkdtempSync(join(tmpdir(), "shardcached-sasl-"));
writeFileSync(join(folder, "memcached.conf"), "mech_list: plain\n");
writeFileSync(
  join(folder, "passwords"),
  `tester:secret\ntester@${hostname()}:secret\nother:word with spaces\n`,
);

const transcript = transcriptsOn({
  args: ["-S"],
  env: { SASL_CONF_PATH: folder, MEMCACHED_SASL_PWDB: join(folder, "passwords") },
  size: "small",
  flush: false,
  sentinel: false,
});

const { saslAuth, saslList, saslStep } = Opcode;
const { authFailure, authContinue } = BinaryStatus;
const NO_PASSWORD_FILE = { notOnOracle: "Debian's is built without the password file" };

function plain(user: string, password: string, mechanism = "PLAIN"): Buffer {
  return packet({ opcode: saslAuth, key: mechanism, value: `\0${user}\0${password}` });
}

const ACCEPTED = response({ opcode: saslAuth, value: "Authenticated" });
const REFUSED = response({ opcode: saslAuth, status: authFailure });

transcript("before a login: version and the list of mechanisms", [
  [packet({ opcode: saslList }), response({ opcode: saslList, value: "PLAIN" })],
]);

for (const [what, fields] of [
  ["Get", { opcode: Opcode.get, key: "a" }],
  ["No-op", { opcode: Opcode.noop }],
  ["Quit", { opcode: Opcode.quit }],
  ["Flush", { opcode: Opcode.flush }],
  ["Stat", { opcode: Opcode.stat }],
  ["an unknown opcode", { opcode: 0x77 }],
] as const) {
  transcript(`before a login ${what} is refused, and the connection closed`, [
    [
      packet({ ...fields, opaque: 3 }),
      closes(response({ opcode: fields.opcode, status: authFailure, opaque: 3 })),
    ],
  ]);
}

transcript("ASCII closes the connection", [["get a\r\nget a\r\nget a\r\nget a\r\n", closes()]]);

transcript(
  "PLAIN with the right password opens everything",
  [
    [plain("tester", "secret"), ACCEPTED],
    [packet({ opcode: Opcode.noop }), response({ opcode: Opcode.noop })],
  ],
  NO_PASSWORD_FILE,
);

transcript(
  "requests in the same pipeline as the login are served",
  [
    [
      Buffer.concat([plain("tester", "secret"), packet({ opcode: Opcode.noop, opaque: 9 })]),
      responses({ opcode: saslAuth, value: "Authenticated" }, { opcode: Opcode.noop, opaque: 9 }),
    ],
  ],
  NO_PASSWORD_FILE,
);

transcript(
  "mechanisms are matched without regard to case, passwords with it",
  [
    [plain("tester", "Secret"), REFUSED],
    [plain("tester", "secret", "plain"), ACCEPTED],
  ],
  NO_PASSWORD_FILE,
);

transcript(
  "PLAIN in two steps",
  [
    [
      packet({ opcode: saslAuth, key: "PLAIN" }),
      response({ opcode: saslAuth, status: authContinue, value: "" }),
    ],
    [
      packet({ opcode: saslStep, key: "PLAIN", value: "\0tester\0secret" }),
      response({ opcode: saslStep, value: "Authenticated" }),
    ],
    [packet({ opcode: Opcode.noop }), response({ opcode: Opcode.noop })],
  ],
  NO_PASSWORD_FILE,
);

transcript("a wrong password is refused, and another attempt allowed", [
  [plain("tester", "wrong"), REFUSED],
  [plain("nobody", "secret"), REFUSED],
  [plain("", ""), REFUSED],
  [
    packet({ opcode: Opcode.get, key: "a" }),
    closes(response({ opcode: Opcode.get, status: authFailure })),
  ],
]);

transcript(
  "a failed attempt takes the authentication away",
  [
    [plain("tester", "secret"), ACCEPTED],
    [plain("tester", "wrong"), REFUSED],
    [
      packet({ opcode: Opcode.get, key: "a" }),
      closes(response({ opcode: Opcode.get, status: authFailure })),
    ],
  ],
  NO_PASSWORD_FILE,
);

transcript("an unknown mechanism is refused", [
  [packet({ opcode: saslAuth, key: "CRAM-MD5", value: "x" }), REFUSED],
]);

transcript("a step without a start is refused", [
  [
    packet({ opcode: saslStep, key: "PLAIN", value: "\0tester\0secret" }),
    response({ opcode: saslStep, status: authFailure }),
  ],
]);

transcript("a mechanism name over 32 bytes: Invalid arguments, the connection stays", [
  [
    packet({ opcode: saslAuth, key: "M".repeat(33), value: "x" }),
    response({ opcode: saslAuth, status: BinaryStatus.invalid }),
  ],
  [packet({ opcode: saslList }), response({ opcode: saslList, value: "PLAIN" })],
]);

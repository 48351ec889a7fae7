import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { variableOf } from "../../../src/config/environment.ts";
import { configText, helpText, versionText } from "../../../src/config/help.ts";
import { OPTIONS } from "../../../src/config/options.ts";
import { loadFrom, refusalOf } from "./load-from.ts";

const MIB = 1024 * 1024;

/** As Debian's package installs it (memcached 1.6.18-1), the lines that matter and their kind. */
const DEBIAN_CONFIG = `# memcached default config file
# 2003 - Jay Bonci <jaybonci@debian.org>
-d

# Log memcached's output to /var/log/memcached
logfile /var/log/memcached.log

# Be verbose
# -v
-m 128
-p 11299
-u memcache
-l 127.0.0.1
# -c 1024
-P /var/run/memcached/memcached.pid
`;

describe("a configuration file", () => {
  test("Debian's /etc/memcached.conf is read as it is", () => {
    const { settings, warnings } = loadFrom({
      args: ["--config", "/etc/memcached.conf"],
      files: { "/etc/memcached.conf": DEBIAN_CONFIG },
    });
    expect(settings).toMatchObject({
      daemon: false,
      memoryBytes: 128 * MIB,
      port: 11299,
      user: "memcache",
      listen: [{ host: "127.0.0.1", port: 11299 }],
      pidFile: "/var/run/memcached/memcached.pid",
    });
    expect(warnings).toEqual([]);
  });

  test("name = value lines, aliases, switches and comments", () => {
    const text = `
      memcached-server=127.0.0.1:19151   # where
      memory-size=1024M
      memcached-dir = /opt/memcached
      disable-cas
      disable-flush-all = no
      enable-shutdown = yes
      threads = 3
      unix-mask = "770"
      extended = idle_timeout=10,track_sizes
    `;
    const { settings } = loadFrom({ args: ["--config=a.conf"], files: { "a.conf": text } });
    expect(settings).toMatchObject({
      listen: [{ host: "127.0.0.1", port: 19151 }],
      memoryBytes: 1024 * MIB,
      casEnabled: false,
      flushEnabled: true,
      shutdownEnabled: true,
      threads: 3,
      unixMask: 0o770,
      idleSeconds: 10,
    });
  });

  test("a persistence-dir gets a warning that data is not kept yet", () => {
    const files = { "a.conf": "persistence-dir = /data\n" };
    const { warnings } = loadFrom({ args: ["--config", "a.conf"], files });
    expect(warnings).toEqual([
      "WARNING: data is not kept on disk yet: persistence-dir /data is not used, a restart starts empty",
    ]);
  });

  for (const [name, text, message, exitCode] of [
    [
      "an unknown name",
      "\nfoo = 1\n",
      'a.conf line 2: "foo" is no option (allowed: long option names, as -h lists them)',
      64,
    ],
    [
      "a wrong value",
      "conn-limit = none",
      'Maximum connections must be greater than 0 (a.conf line 1, conn-limit: got "none", allowed: 1 to 1048576)',
      1,
    ],
    [
      "a switch that is neither yes nor no",
      "disable-cas = maybe",
      'disable-cas is a switch (a.conf line 1, disable-cas: got "maybe", allowed: yes or no)',
      64,
    ],
    [
      "a wrong flag",
      "-m 64\n-x 3",
      `a.conf line 2: invalid option -- 'x'\nIllegal argument "?"`,
      1,
    ],
    [
      "a flag's wrong value",
      "-t 0",
      'Number of threads must be greater than 0 (a.conf line 1, -t: got "0", allowed: 1 to 255)',
      1,
    ],
    [
      "an option that is for the command line",
      "help",
      'a.conf line 1: "help" is no option (allowed: long option names, as -h lists them)',
      64,
    ],
  ] as const) {
    test(`refuses ${name} and names the line`, () => {
      const given = { args: ["--config", "a.conf"], files: { "a.conf": text } };
      expect(refusalOf(given)).toEqual({ message, exitCode });
    });
  }

  test("a key that is nearly an option's is told which", () => {
    const given = { args: ["--config", "a.conf"], files: { "a.conf": "\n\nprot = 5" } };
    expect(refusalOf(given).message).toBe(
      'a.conf line 3: "prot" is no option, did you mean port? (allowed: long option names, as -h lists them)',
    );
  });

  test("--check-config finds every fault, of every source, where a start ends at the first", () => {
    const text = "memory-limit = lots\nprot = 5\n-t 0\n-x 3\nconn-limit = 0\nthreads = 2\n";
    const given = {
      args: ["--config", "a.conf", "-b", "x", "--frobnicate", "-R", "0", "-I", "100m"],
      environment: { SHARDCACHED_BACKLOG: "1", SHARDCACHED_PROTOCOL: "foo" },
      files: { "a.conf": text },
    };
    const { wish, faults } = loadFrom({ ...given, args: [...given.args, "--check-config"] });
    expect(wish).toBe("check-config");
    expect(faults.all.map(({ message }) => message.split("\n")[0])).toEqual([
      expect.stringContaining('-b, --listen-backlog: got "x"'),
      "shardcached: unrecognized option '--frobnicate'",
      expect.stringContaining('a.conf line 2: "prot" is no option'),
      "a.conf line 4: invalid option -- 'x'",
      expect.stringContaining('a.conf line 1, memory-limit: got "lots"'),
      expect.stringContaining('a.conf line 3, -t: got "0"'),
      expect.stringContaining('a.conf line 5, conn-limit: got "0"'),
      expect.stringContaining('SHARDCACHED_PROTOCOL: got "foo"'),
      expect.stringContaining('-R, --max-reqs-per-event: got "0"'),
      expect.stringContaining('-I, --max-item-size: got "100m"'),
    ]);
    expect(refusalOf(given).message).toBe(faults.all[0]?.message);
  });

  test("a file that cannot be read", () => {
    expect(refusalOf({ args: ["--config", "none"] })).toEqual({
      message: "Could not read the configuration file none: ENOENT: no such file, open 'none'",
      exitCode: 64,
    });
  });
});

describe("the environment", () => {
  test("SHARDCACHED_ and the long name, in capitals", () => {
    const environment = {
      SHARDCACHED_PORT: "11333",
      SHARDCACHED_MEMORY_LIMIT: "256",
      SHARDCACHED_DISABLE_EVICTIONS: "yes",
      SHARDCACHED_DISABLE_CAS: "0",
      MEMCACHED_PORT_FILENAME: "/tmp/ports",
      MEMCACHED_SASL_PWDB: "/tmp/users",
    };
    expect(loadFrom({ environment }).settings).toMatchObject({
      port: 11333,
      memoryBytes: 256 * MIB,
      evictions: false,
      casEnabled: true,
      portFile: "/tmp/ports",
      saslPasswordFile: "/tmp/users",
    });
  });

  test("a wrong value names the variable", () => {
    expect(refusalOf({ environment: { SHARDCACHED_THREADS: "x" } }).message).toBe(
      'Number of threads must be greater than 0 (SHARDCACHED_THREADS: got "x", allowed: 1 to 255)',
    );
  });

  test("Kubernetes' SHARDCACHED_PORT=tcp://… is no port of ours", () => {
    const environment = { SHARDCACHED_PORT: "tcp://10.0.0.7:11211" };
    expect(loadFrom({ environment }).settings.port).toBe(11211);
  });

  test("a variable that looks like ours and is nobody's gets a warning", () => {
    const environment = { SHARDCACHED_MEMORY_LIMT: "5", SHARDCACHED_WHATEVER: "1" };
    expect(loadFrom({ environment }).warnings).toEqual([
      "WARNING: SHARDCACHED_MEMORY_LIMT sets no option, did you mean SHARDCACHED_MEMORY_LIMIT?",
      "WARNING: SHARDCACHED_WHATEVER sets no option",
    ]);
  });

  test("what Kubernetes sets for services of our name gets none, nor what is ours otherwise", () => {
    const environment = {
      SHARDCACHED_SERVICE_HOST: "10.0.0.7",
      SHARDCACHED_SERVICE_PORT: "11211",
      SHARDCACHED_SERVICE_PORT_MEMCACHED: "11211",
      SHARDCACHED_PORT: "tcp://10.0.0.7:11211",
      SHARDCACHED_PORT_11211_TCP: "tcp://10.0.0.7:11211",
      SHARDCACHED_PORT_11211_TCP_PROTO: "tcp",
      SHARDCACHED_PORT_11211_TCP_PORT: "11211",
      SHARDCACHED_PORT_11211_TCP_ADDR: "10.0.0.7",
      SHARDCACHED_HEADLESS_SERVICE_HOST: "None",
      SHARDCACHED_ADMIN_TOKEN: "0123456789abcdef",
    };
    expect(loadFrom({ environment }).warnings).toEqual([]);
  });

  test("SHARDCACHED_CONFIG names the file", () => {
    const { settings } = loadFrom({
      environment: { SHARDCACHED_CONFIG: "a.conf" },
      files: { "a.conf": "port = 5" },
    });
    expect(settings.port).toBe(5);
  });
});

describe("flags win over the environment, it over the file, it over the defaults", () => {
  const files = { "a.conf": "port = 1\nconn-limit = 11\nlisten-backlog = 111\n-l 10.0.0.1\n-vv" };
  const environment = { SHARDCACHED_PORT: "2", SHARDCACHED_CONN_LIMIT: "22" };

  test("each setting from the strongest source that has it", () => {
    const args = ["--config", "a.conf", "-p", "3"];
    expect(loadFrom({ args, environment, files }).settings).toMatchObject({
      port: 3,
      maxConnections: 22,
      backlog: 111,
      requestsPerEvent: 20,
      listen: [{ host: "10.0.0.1", port: 3 }],
      verbosity: 2,
    });
  });

  test("-l and -v add up inside a source and replace the weaker one's", () => {
    const args = ["--config", "a.conf", "-l", "10.0.0.2", "-l", "10.0.0.3", "-v"];
    const { settings } = loadFrom({ args, environment, files });
    expect(settings.listen.map(({ host }) => host)).toEqual(["10.0.0.2", "10.0.0.3"]);
    expect(settings.listenText).toBe("10.0.0.2,10.0.0.3");
    expect(settings.verbosity).toBe(1);
  });
});

describe("what is printed", () => {
  test("-V and the help's first line begin as memcached's", () => {
    expect(versionText("1.6.45", "0.1.0")).toBe("memcached 1.6.45 (shardcached 0.1.0)");
    const help = helpText("memcached 1.6.45");
    expect(help.split("\n").slice(0, 2)).toEqual([
      "memcached 1.6.45",
      "-p, --port=<num>          TCP port to listen on (default: 11211)",
    ]);
  });

  test("--print-config gives a file that gives the same settings again", () => {
    const args = "-p 5 -m 1g -t 3 -M -C -vv -l [::1]:7 -o idle_timeout=9,no_maxconns_fast".split(
      " ",
    );
    const { settings } = loadFrom({ args });
    const files = { "printed.conf": configText(settings) };
    const again = loadFrom({ args: ["--config", "printed.conf"], files }).settings;
    expect({ ...again, listenText: "" }).toEqual({ ...settings, listenText: "" });
  });

  test("every option has one name, one variable, and at most one letter", () => {
    const names = OPTIONS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    const letters = OPTIONS.map(({ letter }) => letter).filter((letter) => letter !== "");
    expect(new Set(letters).size).toBe(letters.length);
    expect(variableOf("max-item-size")).toBe("SHARDCACHED_MAX_ITEM_SIZE");
  });
});

describe("config/shardcached.conf, the manual", () => {
  const text = readFileSync(new URL("../../../config/shardcached.conf", import.meta.url), "utf8");
  const shown = new Map(
    [...text.matchAll(/^# ([a-z][a-z-]*) =(.*)$/gm)].map(([, name, value]) => [
      name as string,
      (value as string).trim(),
    ]),
  );

  test("explains every option that a file can hold, and no other", () => {
    const flagOnly = [
      "config",
      "help",
      "license",
      "version",
      "check-config",
      "print-config",
      "completion",
    ];
    const refused = ["enable-ssl", "verbose"];
    const expected = OPTIONS.map(({ name }) => name).filter(
      (name) => !flagOnly.includes(name) && !refused.includes(name),
    );
    expect([...shown.keys()].sort()).toEqual(expected.sort());
  });

  test("shows the default of each", () => {
    const { settings } = loadFrom({ cores: 1 });
    for (const option of OPTIONS) {
      const value = shown.get(option.name);
      if (value === undefined) continue;
      const actual = option.name === "threads" ? "" : (option.shown(settings) ?? "");
      expect(`${option.name} = ${value}`).toBe(`${option.name} = ${actual}`);
    }
  });

  test("every line can be uncommented as it stands", () => {
    const lines = [...shown].filter(([, value]) => value !== "");
    const files = { "all.conf": lines.map(([name, value]) => `${name} = ${value}`).join("\n") };
    const given = { args: ["--config", "all.conf"], files, cores: 1 };
    expect({ ...loadFrom(given).settings, listenText: "" }).toEqual(
      loadFrom({ cores: 1 }).settings,
    );
  });
});

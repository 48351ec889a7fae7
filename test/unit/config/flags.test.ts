import { describe, expect, test } from "vitest";
import { EXTENDED_DEFAULTS, type Settings } from "../../../src/config/settings.ts";
import { loadFrom, refusalOf } from "./load-from.ts";

const MIB = 1024 * 1024;

describe("a flag sets its setting, short, long and glued", () => {
  const rows: [string, Partial<Settings>][] = [
    ["-p 11222", { port: 11222 }],
    ["-p11222", { port: 11222 }],
    ["-p 0 -s /tmp/a", { port: 0, unixSocket: "/tmp/a", listen: [] }],
    ["-p -1", { port: -1 }],
    ["--port=11222", { port: 11222 }],
    ["--port 11222", { port: 11222 }],
    ["-U 0", { udpPort: 0, udpListen: [] }],
    [
      "-U 11300",
      {
        udpPort: 11300,
        port: 11300,
        udpListen: [{ host: "127.0.0.1", port: 11300, protocol: "auto", tag: "" }],
      },
    ],
    [
      "-p 0 -U -1 -l 127.0.0.2,[::1]:11222",
      {
        listen: [],
        udpListen: [
          { host: "127.0.0.2", port: 0, protocol: "auto", tag: "" },
          { host: "::1", port: 11222, protocol: "auto", tag: "" },
        ],
      },
    ],
    ["-U 11300 -s /tmp/a", { udpListen: [] }],
    ["-o udp_multi_datagram", { extended: { ...EXTENDED_DEFAULTS, udpMultiDatagram: true } }],
    ["-s /tmp/a", { unixSocket: "/tmp/a" }],
    ["--unix-socket=/tmp/a -a 770", { unixMask: 0o770 }],
    ["-a 0700", { unixMask: 0o700 }],
    ["-A", { shutdownEnabled: true }],
    ["--enable-shutdown", { shutdownEnabled: true }],
    ["-d", { daemon: true }],
    ["-r", { coreDumps: true }],
    ["-u root", { user: "root" }],
    ["--user=nobody", { user: "nobody" }],
    ["-m 128", { memoryBytes: 128 * MIB }],
    ["-m128", { memoryBytes: 128 * MIB }],
    ["-m 64m", { memoryBytes: 64 * MIB }],
    ["-m 64MB", { memoryBytes: 64 * MIB }],
    ["-m 64MiB", { memoryBytes: 64 * MIB }],
    ["-m 1g", { memoryBytes: 1024 * MIB }],
    ["-m 1.5G", { memoryBytes: 1536 * MIB }],
    ["-m 65536k", { memoryBytes: 64 * MIB }],
    ["--memory-limit=1024", { memoryBytes: 1024 * MIB }],
    ["--memory-size=1024M", { memoryBytes: 1024 * MIB }],
    ["--memory-l 128", { memoryBytes: 128 * MIB }],
    ["--memory-l=128 --thr 3", { memoryBytes: 128 * MIB, threads: 3 }],
    ["--pid --thr", { pidFile: "--thr" }],
    ["-M", { evictions: false }],
    ["--disable-evictions", { evictions: false }],
    ["-c 4096", { maxConnections: 4096 }],
    ["--conn-limit=1", { maxConnections: 1 }],
    ["-k", { lockMemory: true }],
    ["-v", { verbosity: 1 }],
    ["-vv", { verbosity: 2 }],
    ["-v -v -v", { verbosity: 3 }],
    ["-vvvvv", { verbosity: 3 }],
    ["-vm128", { verbosity: 1, memoryBytes: 128 * MIB }],
    ["-vvm 128", { verbosity: 2, memoryBytes: 128 * MIB }],
    ["--verbosity=2", { verbosity: 2 }],
    ["-P /run/x.pid", { pidFile: "/run/x.pid" }],
    ["-f 2", { growthFactor: 2 }],
    ["-f 1.05", { growthFactor: 1.05 }],
    ["-n 72", { chunkBytesMin: 72 }],
    ["-D .", { prefixDelimiter: ".", detailEnabled: true }],
    ["-t 8", { threads: 8 }],
    ["--threads=8", { threads: 8 }],
    ["-R 100", { requestsPerEvent: 100 }],
    ["--max-reqs-per-event=1", { requestsPerEvent: 1 }],
    ["-C", { casEnabled: false }],
    ["-b 64", { backlog: 64 }],
    ["-b 0", { backlog: 0 }],
    ["--listen-backlog=64", { backlog: 64 }],
    ["-B binary", { protocol: "binary" }],
    ["-B ascii", { protocol: "ascii" }],
    ["--protocol=auto", { protocol: "auto" }],
    ["-I 1024", { itemBytesMax: 1024 }],
    ["-I 2m", { itemBytesMax: 2 * MIB }],
    ["-I 512K", { itemBytesMax: MIB / 2 }],
    ["-m 2048 -I 1024m -t 1", { itemBytesMax: 1024 * MIB }],
    ["-F", { flushEnabled: false }],
    ["-X", { dumpEnabled: false }],
    ["-W", { watchEnabled: false }],
    ["-N 1", { napiIds: 1 }],
    ["-L", { largePages: true }],
    ["-o idle_timeout=30", { idleSeconds: 30 }],
    ["--transport node", { transport: "node" }],
    ["--transport=native", { transport: "native" }],
    ["-e /dev/shm/cache", { memoryFile: "/dev/shm/cache" }],
    ["--memory-file-on-disk", { memoryFileOnDisk: true }],
    ["--persistence-dir=/data", { persistenceDir: "/data" }],
    [
      "-d -m 1024 -u root -l 127.0.0.1 -p 11211 -c 1024 -P /tmp/x.pid",
      { daemon: true, user: "root", memoryBytes: 1024 * MIB, pidFile: "/tmp/x.pid" },
    ],
  ];
  for (const [flags, expected] of rows) {
    test(flags, () => {
      expect(loadFrom({ args: flags.split(" ") }).settings).toMatchObject(expected);
    });
  }

  test("no flags: memcached's defaults, but for the address and the threads", () => {
    expect(loadFrom({ cores: 4 }).settings).toMatchObject({
      port: 11211,
      listen: [{ host: "127.0.0.1", port: 11211, protocol: "auto", tag: "" }],
      threads: 4,
      memoryBytes: 64 * MIB,
      maxConnections: 1024,
      itemBytesMax: MIB,
      requestsPerEvent: 20,
      backlog: 1024,
      verbosity: 0,
    });
  });

  test("many cores and little memory: no thread gets less than 8 MiB unless told", () => {
    expect(loadFrom({ cores: 64 }).settings.threads).toBe(8);
    expect(loadFrom({ cores: 64, args: ["-m", "4", "-I", "64k"] }).settings.threads).toBe(1);
    expect(loadFrom({ cores: 64, args: ["-t", "16"] }).settings.threads).toBe(16);
    expect(loadFrom({ cores: 64, args: ["-m", "3"] }).settings.threads).toBe(1);
    expect(loadFrom({ cores: 2, args: ["-m", "16384"] }).settings.threads).toBe(7);
    expect(loadFrom({ cores: 2, args: ["-m", "16384", "-t", "8"] }).settings.threads).toBe(8);
  });

  test("many cores and large items: no thread gets less than two items unless told", () => {
    expect(loadFrom({ cores: 64, args: ["-I", "8m"] }).settings.threads).toBe(4);
    expect(loadFrom({ cores: 64, args: ["-I", "32m"] }).settings.threads).toBe(1);
    expect(loadFrom({ cores: 64, args: ["-I", "8m", "-t", "16"] }).settings.threads).toBe(16);
  });
});

describe("a wrong value: memcached's words and exit code, then option, value and what is allowed", () => {
  const rows: [string, string, number][] = [
    [
      "-p 70000",
      'ERROR: Invalid port number 70000. (-p, --port: got "70000", allowed: -1 to 65535)',
      64,
    ],
    ["-p abc", 'ERROR: Invalid port number abc. (-p, --port: got "abc", allowed: -1 to 65535)', 64],
    [
      "-U 70000",
      'ERROR: Invalid port number 70000. (-U, --udp-port: got "70000", allowed: -1 to 65535)',
      64,
    ],
    ["-p 0", 'Nothing to listen on (-p, --port: got "0", allowed: a port, or a path with -s)', 64],
    ["-a 999", 'Invalid access mask (-a, --unix-mask: got "999", allowed: 0 to 7777 in octal)', 64],
    [
      "-m abc",
      'Invalid item memory (-m, --memory-limit: got "abc", allowed: 1 or more megabytes, or a size such as 64m or 1g)',
      64,
    ],
    [
      "-m 0",
      'Invalid item memory (-m, --memory-limit: got "0", allowed: 1 or more megabytes, or a size such as 64m or 1g)',
      64,
    ],
    [
      "-m -5",
      'Invalid item memory (-m, --memory-limit: got "-5", allowed: 1 or more megabytes, or a size such as 64m or 1g)',
      64,
    ],
    [
      "-m 64x",
      'Invalid item memory (-m, --memory-limit: got "64x", allowed: 1 or more megabytes, or a size such as 64m or 1g)',
      64,
    ],
    [
      "-c 0",
      'Maximum connections must be greater than 0 (-c, --conn-limit: got "0", allowed: 1 to 1048576)',
      1,
    ],
    [
      "-c 12x",
      'Maximum connections must be greater than 0 (-c, --conn-limit: got "12x", allowed: 1 to 1048576)',
      1,
    ],
    [
      "-f 1",
      'Factor must be greater than 1 (-f, --slab-growth-factor: got "1", allowed: a number above 1, such as 1.25)',
      1,
    ],
    [
      "-n 0",
      'Chunk size must be greater than 0 (-n, --slab-min-size: got "0", allowed: 1 to 1048576)',
      1,
    ],
    ["-D ab", 'Delimiter too long (-D, --prefix-delimiter: got "ab", allowed: one character)', 1],
    [
      "-t 0",
      'Number of threads must be greater than 0 (-t, --threads: got "0", allowed: 1 to 255)',
      1,
    ],
    [
      "-t abc",
      'Number of threads must be greater than 0 (-t, --threads: got "abc", allowed: 1 to 255)',
      1,
    ],
    [
      "-R 0",
      'Number of requests per event must be greater than 0 (-R, --max-reqs-per-event: got "0", allowed: 1 to 2147483647)',
      1,
    ],
    [
      "-b -1",
      'Invalid backlog queue limit (-b, --listen-backlog: got "-1", allowed: 0 to 65535)',
      64,
    ],
    [
      "-B foo",
      'Invalid value for binding protocol: foo -- should be one of auto, binary, or ascii (-B, --protocol: got "foo", allowed: auto, ascii, binary)',
      64,
    ],
    [
      "-I 100",
      'Item max size cannot be less than 1024 bytes. (-I, --max-item-size: got "100", allowed: 1k to 1024m, at most half of -m)',
      64,
    ],
    [
      "-I 33m",
      'Cannot set item size limit higher than 1/2 of memory max. (-I, --max-item-size: got "33m", allowed: 1k to 32m, half of -m)',
      64,
    ],
    [
      "-m 4096 -I 2g",
      'Cannot set item size limit higher than a gigabyte. (-I, --max-item-size: got "2g", allowed: 1k to 1g)',
      64,
    ],
    [
      "-N 0",
      'Maximum number of NAPI IDs must be greater than 0 (-N, --napi-ids: got "0", allowed: 1 to 255)',
      1,
    ],
    [
      "-N 9 -t 2",
      'Number of napi_ids(9) cannot be greater than number of threads(2) (-N, --napi-ids: got "9", allowed: 1 to 2)',
      64,
    ],
    [
      "-Z",
      'This server is not built with TLS support. (-Z, --enable-ssl: got "", allowed: to leave the option out)',
      64,
    ],
    [
      "-l 127.0.0.1:99999",
      'Invalid port number: "99999" (-l, --listen: got "127.0.0.1:99999", allowed: <address>[:<port>], [<IPv6>]:<port> or *, separated by commas)',
      71,
    ],
    [
      "-l notls:127.0.0.1",
      `'notls' option is valid only when SSL is enabled (-l, --listen: got "notls:127.0.0.1", allowed: <address>[:<port>], [<IPv6>]:<port> or *, separated by commas)`,
      71,
    ],
    [
      "--transport quic",
      'Unknown transport quic (--transport: got "quic", allowed: auto, native, epoll, uring, node)',
      64,
    ],
    [
      "-o foo",
      'Illegal suboption "foo" (-o, --extended: got "foo", allowed: the extended options memcached knows)',
      1,
    ],
    ["-x", `shardcached: invalid option -- 'x'\nIllegal argument "?"`, 1],
    ["--bogus", `shardcached: unrecognized option '--bogus'\nIllegal argument "?"`, 1],
    [
      "--mem 64",
      `shardcached: option '--mem' is ambiguous; possibilities: '--memory-limit' '--memory-file'\nIllegal argument "?"`,
      1,
    ],
    ["--promote=2", `shardcached: unrecognized option '--promote'\nIllegal argument "?"`, 1],
    [
      "-c 0 -x",
      'Maximum connections must be greater than 0 (-c, --conn-limit: got "0", allowed: 1 to 1048576)',
      1,
    ],
    ["-p", `shardcached: option requires an argument -- 'p'\nIllegal argument "?"`, 1],
    ["--port", `shardcached: option '--port' requires an argument\nIllegal argument "?"`, 1],
    [
      "--daemon=yes",
      `shardcached: option '--daemon' doesn't allow an argument\nIllegal argument "?"`,
      1,
    ],
  ];
  for (const [flags, message, exitCode] of rows) {
    test(flags, () => {
      expect(refusalOf({ args: flags.split(" ") })).toEqual({ message, exitCode });
    });
  }
});

describe("what is asked for instead of serving", () => {
  for (const [flags, wish] of [
    ["-h", "help"],
    ["--help", "help"],
    ["-V", "version"],
    ["-i", "license"],
    ["-p 1 -h", "help"],
    ["-h --port=abc", "help"],
    ["-h -x", "help"],
    ["-V --bogus", "version"],
    ["--check-config -m 128", "check-config"],
    ["--print-config", "print-config"],
  ] as const) {
    test(flags, () => {
      expect(loadFrom({ args: flags.split(" ") }).wish).toBe(wish);
    });
  }

  test("a wrong value before -h is still refused, as in memcached", () => {
    expect(refusalOf({ args: ["-c", "0", "-h"] }).exitCode).toBe(1);
  });
});

describe("a slip of the pen is recognized", () => {
  for (const [flags, meant] of [
    ["--memry-limit=5", "(--memry-limit, did you mean --memory-limit?)"],
    ["--treads=5", "(--treads, did you mean --threads?)"],
    ["--porrt=5", "(--porrt, did you mean --port?)"],
    ["-o idle_timout=5", "did you mean idle_timeout?"],
    ["-o lendign", "did you mean lending?"],
    ["tpo", "did you mean top?"],
  ] as const) {
    test(flags, () => {
      expect(refusalOf({ args: flags.split(" ") }).message).toContain(meant);
    });
  }

  test("what is like no option is told nothing", () => {
    expect(refusalOf({ args: ["--frobnicate"] }).message).toBe(
      `shardcached: unrecognized option '--frobnicate'\nIllegal argument "?"`,
    );
  });
});

describe("an argument that belongs to no option starts no server", () => {
  for (const args of [["stray"], ["-v", "extra"], ["-m", "64", "top"]]) {
    test(args.join(" "), () => {
      const { message, exitCode } = refusalOf({ args });
      expect(message).toMatch(/^shardcached: "\w+" is no command and belongs to no option/);
      expect(message).toContain("\nusage: shardcached [options]");
      expect(exitCode).toBe(64);
    });
  }
});

describe("warnings stop nothing", () => {
  for (const [flags, start] of [
    ["-t 65 -m 1024", "WARNING: Setting a high number of workerthreads is not recommended."],
    ["--persistence-dir /data", "WARNING: data is not kept on disk yet"],
    ["-L", "WARNING: -L changes nothing"],
    ["-o ext_path=/tmp/x:1G", "WARNING: -o ext_path has no effect"],
    ["-o resp_obj_mem_limit=10", "DEPRECATED: resp_obj_mem_limit no longer used."],
  ] as const) {
    test(flags, () => {
      const { warnings } = loadFrom({ args: flags.split(" ") });
      expect(warnings).toHaveLength(1);
      expect(warnings[0]?.startsWith(start)).toBe(true);
    });
  }
});

describe("authentication", () => {
  const environment = { MEMCACHED_SASL_PWDB: "/users" };
  for (const [flags, message, exitCode] of [
    ["-S -B ascii", "ERROR: You cannot allow the ASCII protocol while using SASL.", 64],
    [
      "-Y /f -B binary",
      "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.",
      64,
    ],
  ] as const) {
    test(`${flags} is refused`, () => {
      const refusal = refusalOf({ args: flags.split(" "), environment });
      expect(refusal.message.startsWith(message)).toBe(true);
      expect(refusal.exitCode).toBe(exitCode);
    });
  }

  test("-S without a file of users would let nobody in, and is refused", () => {
    const refusal = refusalOf({ args: ["-S"] });
    expect(refusal.message.startsWith("Error initializing sasl.")).toBe(true);
    expect(refusal.exitCode).toBe(1);
  });

  test("the file comes from the option first, then from MEMCACHED_SASL_PWDB", () => {
    expect(loadFrom({ args: ["-S"], environment }).settings.saslPasswordFile).toBe("/users");
    const args = ["-S", "--sasl-password-file=/other"];
    expect(loadFrom({ args, environment }).settings.saslPasswordFile).toBe("/other");
  });
});

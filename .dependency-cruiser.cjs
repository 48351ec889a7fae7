/**
 * The architecture, as a table: a folder of src/ imports itself and the folders its row lists, nothing else.
 * `npm run check` fails otherwise. Data flows one way, so a row never lists a folder whose row lists it.
 */
const layers = {
  base: [],
  command: ["base"],
  cluster: ["base", "command"],
  config: ["base", "cluster"],
  memory: ["base", "command"],
  ring: ["base", "memory"],
  store: ["base", "command", "memory"],
  libc: ["base", "memory"],
  stats: ["base", "command", "config", "memory", "store"],
  admin: ["base", "command", "cluster", "config", "memory", "store", "stats"],
  protocol: ["base", "command"],
  shard: ["base", "command", "memory", "ring", "store"],
  router: ["base", "command", "memory", "ring", "store", "shard"],
  transport: ["base", "memory", "libc"],
  listen: ["base", "memory", "libc", "transport"],
  connection: ["base", "command", "memory", "protocol", "router", "stats", "store", "transport"],
  worker: [
    "base",
    "command",
    "config",
    "memory",
    "ring",
    "store",
    "protocol",
    "shard",
    "router",
    "libc",
    "transport",
    "connection",
    "stats",
  ],
  primary: [
    "base",
    "command",
    "cluster",
    "config",
    "memory",
    "ring",
    "store",
    "protocol",
    "shard",
    "router",
    "libc",
    "transport",
    "listen",
    "connection",
    "worker",
    "stats",
    "admin",
  ],
};

/** The rooms of src/protocol: what they share lies beside them, and one table knows them all. */
const rooms = { text: ["meta"], meta: [], binary: [], udp: ["binary"] };
const joinsRooms = "^src/protocol/protocols[.]ts$";

/** Packages from npm, and the folders that may know them. */
const packages = {
  koffi: "^(src/libc|bench)/",
  piscina: "^bench/",
  pino: "^src/primary/",
  "pino-pretty": "^src/primary/",
  fastify: "^src/admin/",
  "prom-client": "^src/admin/",
  commander: "^bench/",
};

const rows = Object.entries(layers).map(([folder, allowed]) => ({
  name: `layer-${folder}`,
  comment: `${folder} may import ${allowed.join(" ") || "nothing"}`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: { path: "^(src|workers)/", pathNot: `^src/(${[folder, ...allowed].join("|")})/` },
}));

const owners = Object.entries(packages).map(([name, path]) => ({
  name: `package-${name}`,
  comment: `only ${path} knows ${name}`,
  severity: "error",
  from: { pathNot: path },
  to: { path: `node_modules/${name}/` },
}));

const walls = [
  ...Object.entries(rooms).map(([room, allowed]) => ({
    name: `room-${room}`,
    comment: `protocol/${room} may import protocol/${allowed.join(" ") || "nothing else"}`,
    severity: "error",
    from: { path: `^src/protocol/${room}/` },
    to: {
      path: "^src/protocol/[a-z]+/",
      pathNot: `^src/protocol/(${[room, ...allowed].join("|")})/`,
    },
  })),
  {
    name: "room-shared",
    comment: "what protocols share knows none of them",
    severity: "error",
    from: { path: "^src/protocol/[^/]+$", pathNot: joinsRooms },
    to: { path: "^src/protocol/[a-z]+/" },
  },
];

module.exports = {
  forbidden: [
    ...rows,
    ...walls,
    ...owners,
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "sockets-only-in-transport",
      comment: "nothing on the request path knows node:net but transport and listen",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(libc|transport|listen|primary|admin|cluster)/" },
      to: { path: "^(node:)?(net|tls|dgram)$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    parser: "swc",
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs"] },
  },
};

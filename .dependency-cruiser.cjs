/**
 * The architecture, as a table: a folder of src/ imports itself and the folders its row lists, nothing else.
 * `npm run check` fails otherwise. Data flows one way, so a row never lists a folder whose row lists it.
 */
const layers = {
  base: [],
  command: ["base"],
  config: ["base"],
  memory: ["base", "command"],
  ring: ["base", "memory"],
  store: ["base", "command", "memory"],
  stats: ["base", "command", "config", "memory", "store"],
  admin: ["base", "command", "config", "memory", "store", "stats"],
  protocol: ["base", "command"],
  shard: ["base", "command", "memory", "ring", "store"],
  router: ["base", "command", "memory", "ring", "store", "shard"],
  transport: ["base", "memory"],
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
    "transport",
    "connection",
    "stats",
  ],
  primary: [
    "base",
    "command",
    "config",
    "memory",
    "ring",
    "store",
    "protocol",
    "shard",
    "router",
    "transport",
    "connection",
    "worker",
    "stats",
    "admin",
  ],
};

/** Packages from npm, and the folders that may know them. */
const packages = {
  koffi: "^src/transport/",
  piscina: "^(src/primary|bench)/",
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

module.exports = {
  forbidden: [
    ...rows,
    ...owners,
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "sockets-only-in-transport",
      comment: "nothing on the request path knows node:net but the transport",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(transport|primary|admin)/" },
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

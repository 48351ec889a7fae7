/**
 * Installs the packages and builds the sources, each only when something changed. Plain Node, no
 * packages.
 *
 *   node_modules is fresh   while npm's own record in it is not older than package-lock.json
 *   dist is fresh           while its stamp is not older than any source file or folder
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { ROOT } from "./root.mjs";

/**
 * What is built: the server alone, bundled, for `npm start`; everything, compiled file by file as
 * well, for tests and benchmarks.
 */
const FOLDERS = {
  server: ["src", "workers", "scripts"],
  all: ["src", "workers", "scripts", "bench", "test"],
};
const SOURCE_FILES = ["package.json", "tsconfig.json"];
/** Written by programs, read by none of the sources. */
const PASSED_OVER = new Set(["node_modules", "out", "history"]);
/** Files beside the sources that the server reads at run time. */
const ASSETS = new Set([".html", ".css", ".js", ".svg", ".json", ".ico", ".png"]);
const SECONDS = 1000;
const PARENT_WATCH_MILLISECONDS = 500;

/** Milliseconds of a path's last change; 0 when it does not exist. */
function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Runs a program, its output on our stderr. False when it fails. */
function run(program, args, env = process.env) {
  const result = spawnSync(program, args, { cwd: ROOT, env, stdio: ["ignore", 2, 2] });
  if (result.error) console.error(`${program}: ${result.error.message}`);
  return result.status === 0;
}

/**
 * The environment for npm inside npm: development packages whatever NODE_ENV says, nothing of the
 * outer call's options.
 */
function npmEnvironment() {
  const env = { ...process.env };
  delete env.NODE_ENV;
  for (const name of Object.keys(env)) {
    if (/^npm_config_(omit|production|only|dry_run|global|prefix)$/i.test(name)) delete env[name];
  }
  return env;
}

/** Runs an npm command that installs. False when it fails. */
function npm(...command) {
  const kinds = ["--include=dev", "--include=optional"];
  const args = [...command, ...kinds, "--no-audit", "--no-fund", "--loglevel=error"];
  const program = process.env.npm_execpath;
  if (program?.endsWith(".js")) return run(process.execPath, [program, ...args], npmEnvironment());
  return run("npm", args, npmEnvironment());
}

/**
 * Installs the packages when they are missing or older than the lock file. False when that fails.
 */
export function ensureInstalled() {
  const record = join(ROOT, "node_modules", ".package-lock.json");
  if (changedAt(record) >= changedAt(join(ROOT, "package-lock.json"))) return true;
  console.error("installing packages (npm ci) …");
  // npm ci wants the lock file complete to the last platform's package; install is content with
  // ours.
  const isInstalled = npm("ci") || npm("install", "--no-save");
  if (!isInstalled) {
    console.error("the packages could not be installed: npm's own words are above");
    return false;
  }
  const now = Date.now() / SECONDS;
  utimesSync(record, now, now);
  return true;
}

/** The time of the newest change in a folder, its deletions included. */
function newestIn(folder) {
  let newest = changedAt(folder);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (PASSED_OVER.has(entry.name)) continue;
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestIn(path) : changedAt(path));
  }
  return newest;
}

function newestSource(names) {
  const folders = names.map((name) => newestIn(join(ROOT, name)));
  const files = SOURCE_FILES.map((name) => changedAt(join(ROOT, name)));
  return Math.max(...folders, ...files);
}

/**
 * Builds `server` or `all` when a source is newer than its last build. False when the sources do
 * not compile; what could be written is written all the same.
 */
export async function ensureBuilt(what, force = false) {
  const stamp = join(ROOT, "dist", `.stamp-${what}`);
  if (!force && changedAt(stamp) > newestSource(FOLDERS[what])) return true;
  const started = Date.now() / SECONDS;
  console.error("building …");
  const isCompiled = what === "server" || compile();
  const isGood = (await bundle()) && isCompiled;
  for (const to of ["dist/src", "dist/server/src"]) copyAssets(join(ROOT, "src"), join(ROOT, to));
  if (!isGood) return false;
  writeFileSync(stamp, "");
  utimesSync(stamp, started, started);
  return true;
}

async function bundle() {
  const { bundleServer } = await import("./bundle.mjs");
  try {
    await bundleServer();
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

function compile() {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  return run(process.execPath, [compiler, "-p", "tsconfig.json"]);
}

/** Copies what stands beside the sources and is no source. */
function copyAssets(from, to) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    if (entry.isDirectory()) copyAssets(source, join(to, entry.name));
    else if (ASSETS.has(extname(entry.name))) {
      mkdirSync(to, { recursive: true });
      cpSync(source, join(to, entry.name));
    }
  }
}

/**
 * Ends the server in order when the npm (or shell) that started it is gone: killed outright, it can
 * pass no signal on. A server in the background (-d) is a process of its own and not concerned.
 */
export function watchParent() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_WATCH_MILLISECONDS);
  timer.unref();
}

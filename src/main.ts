#!/usr/bin/env node
/**
 * shardcached: reads the settings, then prints what was asked for, goes into the background, or
 * serves. `shardcached top` shows a running node instead, `shardcached cluster` its cluster.
 *
 * What is not needed to serve is imported only where it is: a warm start accepts its first
 * connection in under 300 ms.
 */
import { existsSync, readFileSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, SystemError } from "./base/errors.ts";
import { nodeProblem } from "./base/node-version.ts";
import { PROTOCOL_VERSION } from "./command/limits.ts";
import { readBounded } from "./config/bounded-file.ts";
import { type Loaded, loadSettings } from "./config/load.ts";
import type { Settings } from "./config/settings.ts";
import { isDaemonChild } from "./primary/daemon.ts";
import { thisMachine } from "./primary/this-machine.ts";

/** EX_SOFTWARE: a bug of ours. */
const EXIT_BUG = 70;
const STDERR = 2;

/** A file of the package, whichever folder below it this module was built into. */
function packageFile(name: string): string {
  let folder = new URL(".", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("..", folder);
  return readFileSync(new URL(name, folder), "utf8");
}

/** Resolves with the exit code, or null when the server goes on. */
async function main(): Promise<number | null> {
  const problem = nodeProblem(process.versions.node);
  if (problem !== null) throw new SystemError(problem);
  const args = process.argv.slice(2);
  if (args[0] === "help") args[0] = "--help";
  if (args[0] === "top") {
    const { runTop } = await import("./admin/top.ts");
    return runTop(args.slice(1));
  }
  if (args[0] === "cluster") {
    const { runCluster } = await import("./admin/cluster-command.ts");
    return runCluster(args.slice(1));
  }
  const folder = process.cwd(); // a daemon leaves it, and reads its file again on SIGHUP
  const load = () =>
    loadSettings({
      args,
      environment: process.env,
      cores: availableParallelism(),
      machine: thisMachine(),
      program: "shardcached",
      readFile: (path) => readBounded(resolve(folder, path)).toString("utf8"),
    });
  const loaded = load();
  for (const warning of loaded.warnings) writeSync(STDERR, `${warning}\n`);
  if (loaded.wish === "check-config") {
    const { checkConfig } = await import("./primary/check-config.ts");
    const warnings = checkConfig(loaded.settings, loaded.faults);
    for (const warning of warnings) writeSync(STDERR, `${warning}\n`);
    loaded.faults.throwAll();
  }
  if (loaded.wish !== "serve") return print(loaded);
  if (loaded.settings.daemon && !isDaemonChild()) return background(loaded, args);
  return serve(loaded, () => load().settings);
}

async function print({ wish, shell, settings }: Loaded): Promise<number> {
  const { completionScript } = await import("./config/completion.ts");
  const { configText, helpText, versionText } = await import("./config/help.ts");
  const version = versionText(PROTOCOL_VERSION, packageVersion());
  const texts = {
    help: () => helpText(version),
    version: () => `${version}\n`,
    license: () => `${version}\n\n${packageFile("LICENSE")}`,
    "check-config": () => "the configuration is good\n",
    "print-config": () => configText(settings),
    completion: () => completionScript(shell),
    serve: () => "",
  };
  process.stdout.write(texts[wish]());
  return 0;
}

function packageVersion(): string {
  return (JSON.parse(packageFile("package.json")) as { version: string }).version;
}

async function background({ settings }: Loaded, args: string[]): Promise<number> {
  const { startDaemon } = await import("./primary/daemon.ts");
  return startDaemon(fileURLToPath(import.meta.url), args, settings.verbosity > 0);
}

/** Serves until a signal ends the process: resolves with null once it accepts connections. */
async function serve({ settings }: Loaded, reread: () => Settings): Promise<null> {
  // Until the primary obeys them in order: SIGHUP would kill, and SIGUSR1 open node's debugger.
  for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"] as const) {
    process.on(signal, () => process.exit(0));
  }
  process.on("SIGHUP", () => {});
  const { startServer } = await import("./primary/start-server.ts");
  await startServer(settings, reread, packageVersion());
  return null;
}

/** One line for what the operator got wrong or the system refused; a stack for what is our bug. */
function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof SystemError) {
    writeSync(STDERR, `${error.message}\n`);
    return error.exitCode;
  }
  writeSync(STDERR, `${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT_BUG;
}

try {
  const exitCode = await main();
  if (exitCode !== null) process.exitCode = exitCode;
} catch (error) {
  process.exit(exitCodeOf(error));
}

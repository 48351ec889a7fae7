/**
 * What `npm start`, `npm test` and their kin run: plain Node, no packages, so that each works from
 * a fresh clone.
 *
 *   start [flags]   install what is missing, build what is old, then be the server
 *   test            the same, then the system's packages, then every check and every test
 *   check           everything but the slow tests
 *   check:fast      lint, layers, tidiness, types: what the pre-commit hook runs
 *   build [server]  the sources to dist/; with `server` only what serves
 *
 * `start` imports the server instead of starting it: one process, so signals, exit code and
 * standard streams are its own, and nothing is orphaned. With nothing to install or build it costs
 * a few milliseconds.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt, ensureInstalled, watchParent } from "./prepare.mjs";
import { ROOT } from "./root.mjs";

const [command = "", ...args] = process.argv.slice(2);

switch (command) {
  case "start": {
    await prepareOrExit("server");
    const main = join(ROOT, "dist", "server", "src", "main.js");
    process.argv.splice(1, process.argv.length - 1, main, ...args);
    watchParent();
    await import(pathToFileURL(main).href);
    break;
  }
  case "build":
    await prepareOrExit(args[0] === "server" ? "server" : "all", true);
    break;
  case "test":
  case "check":
  case "check:fast": {
    if (!ensureInstalled()) process.exit(1);
    const { runChecks } = await import("./checks.mjs");
    process.exit(await runChecks(command, args));
    break;
  }
  default:
    console.error(
      `scripts/run.mjs: no command "${command}"; there are start, test, check, check:fast, build`,
    );
    process.exit(64);
}

/** Installs and builds; ends the process when either fails. */
async function prepareOrExit(what, force = false) {
  if (!ensureInstalled() || !(await ensureBuilt(what, force))) process.exit(1);
}

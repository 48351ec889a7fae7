/**
 * Every check, one after the other, and the closing line that says how it went:
 *
 *   1234 passed, 0 failed
 *
 * Lint, layers, tidiness, types and the build count as one each, then every test. All of them run,
 * whatever failed before, so that one run shows all there is to mend. The tests run last, from a
 * fresh build, since worker threads and the command line are tested as built.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "./prepare.mjs";
import { ROOT } from "./root.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const bin = (name) => join(ROOT, "node_modules", ".bin", name);
const REPORT = join(ROOT, "dist", ".test-report.json");
/**
 * Tests that take long, or need clients of the system: everything `npm test` has over `npm run
 * check`.
 */
const SLOW_FOLDERS = ["test/interop"];

const totals = { passed: 0, failed: 0 };
const failures = [];

function count(name, isGood) {
  if (isGood) totals.passed++;
  else {
    totals.failed++;
    failures.push(name);
  }
}

/** Runs a check and counts it. */
function step(name, program, args) {
  console.log(`— ${name}`);
  const { status } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit" });
  count(name, status === 0);
}

function lint() {
  step("lint", bin("biome"), ["check", "--error-on-warnings", "."]);
  step("layers", bin("depcruise"), ["src", "workers", "bench", "scripts", "test"]);
  step("tidy", process.execPath, [join(ROOT, "scripts", "tidy.mjs")]);
}

function types() {
  step("types", bin("tsc"), ["-p", "tsconfig.json", "--noEmit"]);
}

/** Runs vitest and adds up its report. */
function tests(args) {
  rmSync(REPORT, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`];
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const env = { ...process.env };
  delete env.NODE_ENV; // vitest sets its own
  const { status } = spawnSync(process.execPath, [vitest, "run", ...reporters, ...args], {
    cwd: ROOT,
    env,
    stdio: "inherit",
  });
  const failedBefore = totals.failed;
  addReport();
  if (status !== 0 && totals.failed === failedBefore) count("vitest itself", false);
}

function addReport() {
  let report;
  try {
    report = JSON.parse(readFileSync(REPORT, "utf8"));
  } catch {
    count("the tests did not run", false);
    return;
  }
  totals.passed += report.numPassedTests;
  totals.failed += report.numFailedTests;
  for (const file of report.testResults) {
    const failed = file.assertionResults.filter(({ status }) => status === "failed");
    failures.push(...failed.map(({ fullName }) => fullName));
    if (file.status === "failed" && failed.length === 0) count(file.name, false);
  }
}

/** Runs the checks of `command`; `args` go to vitest. Returns the exit code. */
export async function runChecks(command, args) {
  if (command === "test" && !ensureSystemPackages() && process.env.CI === "true") {
    count("system packages", false);
  }
  lint();
  types();
  if (command !== "check:fast") {
    console.log("— build");
    count("build", await ensureBuilt("all"));
    console.log("— tests");
    const exclude = SLOW_FOLDERS.flatMap((folder) => ["--exclude", `${folder}/**`]);
    tests(command === "check" ? [...exclude, ...args] : args);
  }
  for (const name of failures) console.log(`failed: ${name}`);
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  return totals.failed === 0 ? 0 : 1;
}

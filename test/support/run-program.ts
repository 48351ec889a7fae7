/**
 * Runs a client program against a server under test and hands back what it printed.
 *
 * Invariant: asynchronous, so that servers of the node transport and a test's own sockets go on
 * meanwhile; and bounded in time, so that a program that waits for a reply for ever fails its test
 * instead of hanging the run.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { isInstalled } from "./server-matrix.ts";

const PROGRAM_MILLISECONDS_MAX = 50_000;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...options.env },
      timeout: PROGRAM_MILLISECONDS_MAX,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("latin1").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => {}); // it may end without having read anything
    child.stdin.end(options.input ?? "");
  });
}

/**
 * A reason why a program cannot run here, or "": the test's condition. On a machine that has Node
 * alone, tests of other languages' clients have nothing to run; under CI=true a missing program is
 * a failure instead.
 */
export function missing(...programs: readonly string[]): string {
  const absent = programs.filter((program) =>
    program.includes("/") ? !existsSync(program) : !isInstalled(program),
  );
  if (process.env["CI"] === "true") return "";
  return absent.length === 0 ? "" : ` (not installed: ${absent.join(", ")})`;
}

/** Reads lines of "ok NAME" and "FAIL NAME: what", as the client scripts print them. */
export function failuresOf(stdout: string): { passed: string[]; failed: string[] } {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return {
    passed: lines.filter((line) => line.startsWith("ok ")).map((line) => line.slice(3)),
    failed: lines.filter((line) => !line.startsWith("ok ")),
  };
}

/**
 * -d: the server in the background.
 *
 *   parent   starts this program again, in a session of its own, and waits
 *   child    binds, serves, then says so over the IPC channel  ──▶  the parent exits 0
 *            or dies first; the parent repeats what it wrote and exits with its code
 *
 * Why a new process and not a fork: threads do not survive one. Why the parent waits: a start
 * script that goes on before the port answers is the usual reason for a flaky one; memcached
 * returns at once and fails in silence.
 */

/** Tells the child that it is one. */
const CHILD_VARIABLE = "SHARDCACHED_DAEMON_CHILD";
const SERVING = "serving";

/** True in the process that -d started. */
export function isDaemonChild(): boolean {
  return process.env[CHILD_VARIABLE] === "1" && process.send !== undefined;
}

/**
 * Starts the background process; resolves with the exit code of this one. With `keepStreams` (-v)
 * it keeps stdout, stderr.
 */
export async function startDaemon(
  program: string,
  args: string[],
  keepStreams: boolean,
): Promise<number> {
  const { spawn } = await import("node:child_process");
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
      detached: true,
      env: { ...process.env, [CHILD_VARIABLE]: "1" },
      stdio: [
        "ignore",
        keepStreams ? "inherit" : "ignore",
        keepStreams ? "inherit" : "pipe",
        "ipc",
      ],
    });
    child.stderr?.pipe(process.stderr);
    child.on("error", (error) => {
      process.stderr.write(`could not start the background process: ${error.message}\n`);
      resolve(71);
    });
    child.on("message", (message) => {
      if (message !== SERVING) return;
      child.removeAllListeners();
      child.stderr?.destroy();
      child.unref();
      if (child.connected) child.disconnect();
      resolve(0);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** The child serves: lets the parent go. */
export function announceServing(): void {
  delete process.env[CHILD_VARIABLE];
  process.send?.(SERVING, () => process.disconnect());
}

/**
 * -u: root binds, and somebody else serves. Whatever was made on the way belongs to that user: they
 * can connect to it, read it again at SIGHUP, and remove it at the end.
 */
import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findUser } from "../../src/primary/identity.ts";
import { Program, portsOf, QUIET, until } from "./program.ts";

const USER = "nobody";

/** What a client says and hears, in a process of that user. */
const CLIENT = `
  const socket = require("node:net").connect(process.argv[1]);
  socket.on("data", (reply) => { process.stdout.write(reply); socket.destroy(); });
  socket.on("error", (error) => { process.stdout.write(error.code); });
  socket.write("version\\r\\n");`;

let folder = "";
const programs: Program[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-user-"));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  rmSync(folder, { recursive: true });
});

// Only root can become somebody else.
describe.skipIf(process.getuid?.() !== 0)("-u", () => {
  for (const transport of ["native", "node"]) {
    const identity = findUser(USER);
    const { uid, gid } = identity;
    const own = { uid, gid };

    function start(args: readonly string[], env: Record<string, string> = {}): Program {
      const words = ["-u", USER, "-t", "2", "-v", "--transport", transport, ...QUIET, ...args];
      const program = Program.server(words, env);
      programs.push(program);
      return program;
    }

    function served(program: Program): Promise<true> {
      return until(() => (program.stderr.includes("serving ") ? true : undefined));
    }

    test(`-s: the user connects to the socket, with the mode of -a (${transport})`, async () => {
      chownSync(folder, uid, gid);
      const path = join(folder, "socket");
      for (let round = 0; round < 2; round++) {
        // The second finds the first's socket file.
        const program = start(["-s", path, "-a", "700"]);
        await served(program);
        expect(statSync(path)).toMatchObject(own);
        expect(statSync(path).mode & 0o777).toBe(0o700);
        const heard = execFileSync(process.execPath, ["-e", CLIENT, path], { uid, gid });
        expect(heard.toString()).toContain("VERSION");
        await program.kill();
      }
    });

    test(`-s in a folder that only root may write to (${transport})`, async () => {
      execFileSync("chmod", ["755", folder]);
      const path = join(folder, "socket");
      await served(start(["-s", path]));
      expect(statSync(path)).toMatchObject(own);
    });

    test(`-P, the port file and -Y are the user's own (${transport})`, async () => {
      chownSync(folder, uid, gid);
      const [pidFile, ports, logins] = ["pid", "ports", "logins"].map((name) =>
        join(folder, name),
      ) as [string, string, string];
      writeFileSync(logins, "user:secret\n", { mode: 0o600 });
      chownSync(logins, uid, gid);
      const env = { MEMCACHED_PORT_FILENAME: ports };
      const program = start(["-p", "-1", "-P", pidFile, "-Y", logins], env);
      await portsOf(ports);
      await served(program);
      expect(statSync(pidFile)).toMatchObject(own);
      expect(statSync(ports)).toMatchObject(own);
      program.child.kill("SIGHUP");
      await until(() => program.stderr.includes("was read again") || undefined);
      program.child.kill("SIGTERM");
      expect(await program.exited).toBe(0);
      execFileSync("rm", [pidFile, ports], { uid, gid }); // what -d does with the first at its end
    });
  }
});

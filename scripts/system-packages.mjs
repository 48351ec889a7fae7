/**
 * What the tests and benchmarks need of the system: real memcached, its tools, clients in other
 * languages, redis as a peer, etcd, a C compiler for the floor, a browser, shells, what reads man pages
 * and units. Debian's package names.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export const SYSTEM_PACKAGES = [
  "bash",
  "fish",
  "zsh",
  "groff-base",
  "systemd",
  "chromium",
  "gcc",
  "libc6-dev",
  "redis-server",
  "memcached",
  "etcd-server",
  "etcd-client",
  "openssl",
  "libmemcached-tools",
  "perl",
  "python3",
  "python3-pymemcache",
  "python3-memcache",
  "python3-pylibmc",
  "python3-django",
  "python3-beaker",
  "ruby",
  "ruby-dalli",
  "php-cli",
  "php-memcached",
];

const DPKG = "/usr/bin/dpkg-query";

/** The packages that are not installed; null on a system that is not Debian's. */
function missingPackages() {
  if (!existsSync(DPKG)) return null;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's own
  const format = ["-W", "-f", "${Package} ${db:Status-Status}\n"];
  const { stdout } = spawnSync(DPKG, [...format, ...SYSTEM_PACKAGES], { encoding: "utf8" });
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0].split(":")[0]),
  );
  return SYSTEM_PACKAGES.filter((name) => !installed.has(name));
}

/**
 * Installs what is missing when we may (root on Debian), else names it in one line. True when all
 * of it is there.
 */
export function ensureSystemPackages() {
  let missing = missingPackages();
  if (missing === null) {
    console.error(`not Debian: the tests need these of the system: ${SYSTEM_PACKAGES.join(" ")}`);
    return false;
  }
  if (missing.length > 0 && process.getuid?.() === 0) {
    console.error(`installing system packages for the tests: ${missing.join(" ")} …`);
    // RUNLEVEL: what is installed (memcached, redis) is not started as a service.
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    const apt = (...args) => spawnSync("apt-get", args, { env, stdio: ["ignore", 2, 2] });
    apt("update", "-qq");
    apt("install", "-y", "-qq", "--no-install-recommends", ...missing);
    missing = missingPackages() ?? [];
  }
  if (missing.length === 0) return true;
  console.error(`the tests need system packages: apt-get install ${missing.join(" ")}`);
  return false;
}

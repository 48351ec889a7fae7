/**
 * --check-config, beyond what the options say of themselves: that memory can be laid out this way,
 * and that the files they name can be read. Binds nothing and starts nothing.
 */
import { readTls } from "../cluster/etcd/tls-files.ts";
import { checkNodeFile } from "../cluster/file-source.ts";
import { readAuthFile, readSaslFile } from "../config/auth-file.ts";
import { clusterAddressOf } from "../config/cluster-options.ts";
import type { Faults } from "../config/faults.ts";
import type { Settings } from "../config/settings.ts";
import { checkAdmin } from "./check-admin.ts";
import { findUser } from "./identity.ts";
import { planMemory } from "./memory-plan.ts";

/** Adds every fault a start would end with; gives what is only doubtful. */
export function checkConfig(settings: Settings, faults: Faults): string[] {
  const checks = [checkMemory, checkUser, checkAuthFile, checkAdmin, checkCluster];
  for (const check of checks) faults.collect(() => check(settings));
  const { saslEnabled, saslPasswordFile } = settings;
  if (!saslEnabled || readSaslFile(saslPasswordFile).length > 0) return [];
  return [`WARNING: nobody can log in: ${saslPasswordFile} cannot be read, or has no entries`];
}

function checkMemory(settings: Settings): void {
  planMemory(settings, settings.transport === "node" ? "node" : "native");
}

function checkUser({ user }: Settings): void {
  if (user !== "") findUser(user);
}

/** The files a cluster is found by; whom it names is not asked. */
function checkCluster(settings: Settings): void {
  const address = clusterAddressOf(settings);
  if (address?.kind === "file") checkNodeFile(address.path);
  if (address?.kind === "etcd" && address.tls !== null) readTls(address.tls);
}

function checkAuthFile({ authFile }: Settings): void {
  if (authFile !== "") readAuthFile(authFile);
}

/**
 * --check-config, beyond what the options say of themselves: that memory can be laid out this way,
 * and that the files they name can be read. Binds nothing and starts nothing.
 */
import { Access, loadToken, protectionOf } from "../admin/access.ts";
import { parseAdminListen } from "../admin/address.ts";
import { readAuthFile, readSaslFile } from "../config/auth-file.ts";
import type { Settings } from "../config/settings.ts";
import { findUser } from "./identity.ts";
import { planMemory } from "./memory-plan.ts";

/** Throws the ConfigError or SystemError a start would end with; gives what is only doubtful. */
export function checkConfig(settings: Settings): string[] {
  planMemory(settings, settings.transport === "node" ? "node" : "native");
  if (settings.user !== "") findUser(settings.user);
  if (settings.authFile !== "") readAuthFile(settings.authFile);
  const address = parseAdminListen(settings.adminListen);
  if (address !== null) {
    const token = loadToken(settings.adminTokenFile);
    new Access({ address, token, protection: protectionOf(settings), hosts: [], now: () => 0 });
  }
  const { saslEnabled, saslPasswordFile } = settings;
  if (!saslEnabled || readSaslFile(saslPasswordFile).length > 0) return [];
  return [`WARNING: nobody can log in: ${saslPasswordFile} cannot be read, or has no entries`];
}

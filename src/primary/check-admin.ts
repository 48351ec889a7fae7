/** What --admin-listen and its token must have between them, looked at before anything is bound. */
import { Access, loadToken, protectionOf } from "../admin/access.ts";
import { parseAdminListen } from "../admin/address.ts";
import type { Settings } from "../config/settings.ts";

/** Throws ConfigError when the admin address, its token and their rules do not fit each other. */
export function checkAdmin(settings: Settings): void {
  const address = parseAdminListen(settings.adminListen);
  if (address === null) return;
  const token = loadToken(settings.adminTokenFile);
  new Access({ address, token, protection: protectionOf(settings), hosts: [], now: () => 0 });
}

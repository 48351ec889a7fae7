/** The way to UDP: its modules are loaded only when -U asks for it. */
import type { Settings } from "../config/settings.ts";
import type { UdpServer } from "./udp-server.ts";

/**
 * Binds what -U asks for, after `listenerCount` sockets that listen; null when it asks for nothing.
 * Throws SystemError.
 */
export async function bindUdp(
  settings: Settings,
  listenerCount: number,
): Promise<UdpServer | null> {
  if (settings.udpListen.length === 0) return null;
  const { UdpServer } = await import("./udp-server.ts");
  return await UdpServer.bind(settings, listenerCount);
}

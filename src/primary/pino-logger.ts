/**
 * pino, set up: JSON lines for machines, pino-pretty's for people. Written synchronously: there are
 * few lines, and the last one before a crash is the one that matters.
 */
import { type DestinationStream, destination, type Logger, pino } from "pino";

const STDERR = 2;

/** `pretty` = stderr is a terminal. */
export async function createLogger(pretty: boolean): Promise<Logger> {
  const options = { level: "debug", messageKey: "message", base: { pid: process.pid } };
  return pino(options, pretty ? await prettyStream() : tolerantStderr());
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    destination: STDERR,
    sync: true,
    messageKey: "message",
    ignore: "pid",
    translateTime: "SYS:HH:MM:ss",
  });
}

/** A closed stderr must not end the server. */
function tolerantStderr(): DestinationStream {
  const stream = destination({ fd: STDERR, sync: true });
  stream.on("error", () => {});
  return stream;
}

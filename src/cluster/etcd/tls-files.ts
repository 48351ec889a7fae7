/** The files of etcd's URL for TLS, read. */
import { readFileSync } from "node:fs";
import { ConfigError } from "../../base/errors.ts";
import type { EtcdTls } from "../cluster-address.ts";

const EXIT_USAGE = 64;

/** Throws a ConfigError that names the parameter whose file cannot be read. */
export function readTls({ ca, cert, key }: EtcdTls): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(ca === "" ? {} : { ca: readPem("ca", ca) }),
    ...(cert === "" ? {} : { cert: readPem("cert", cert), key: readPem("key", key) }),
  };
}

function readPem(parameter: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`--cluster: ${parameter}=${path} cannot be read: ${why}`, EXIT_USAGE, {
      cause,
    });
  }
}

/**
 * Password files: what -Y names, and what MEMCACHED_SASL_PWDB names.
 *
 *   -Y                     user:password      at most 8 lines, 255 bytes each; the user ends at the first colon
 *   MEMCACHED_SASL_PWDB    user@host:password or user:password; a further colon ends the password
 *
 * Sources: memcached doc/protocol.txt, "Authentication", and its SASL password database as
 * observed.
 */
import { ConfigError, SystemError } from "../base/errors.ts";
import { readBounded } from "./bounded-file.ts";

/** One user who may log in. */
export interface Credential {
  readonly user: Buffer;
  readonly password: Buffer;
}

const ENTRIES_MAX = 8;
const LINE_BYTES_MAX = 255;
const COLON = 0x3a;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Reads the file of -Y. Throws a ConfigError in memcached's words when it is missing or malformed.
 */
export function readAuthFile(path: string): Credential[] {
  let bytes: Buffer;
  try {
    bytes = readBounded(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code ?? message;
    throw new SystemError(`Could not open authfile [${path}] for reading, error ${why}`, 1, {
      cause,
    });
  }
  const lines = linesOf(bytes);
  if (lines.length === 0) throw malformed(path);
  return lines.slice(0, ENTRIES_MAX).map((line) => {
    const colon = line.indexOf(COLON);
    if (colon < 0 || line.length > LINE_BYTES_MAX) throw malformed(path);
    return { user: line.subarray(0, colon), password: line.subarray(colon + 1) };
  });
}

/**
 * Reads a SASL password file; lines that are no entry are left out. Empty when it cannot be read:
 * then nobody gets in.
 */
export function readSaslFile(path: string): Credential[] {
  let bytes: Buffer;
  try {
    bytes = readBounded(path);
  } catch {
    return [];
  }
  return linesOf(bytes).flatMap((line) => {
    const [name, password] = splitAt(line, COLON);
    if (password === null || name.length === 0) return [];
    return [{ user: splitAt(name, 0x40)[0], password: splitAt(password, COLON)[0] }];
  });
}

function splitAt(bytes: Buffer, byte: number): [Buffer, Buffer | null] {
  const at = bytes.indexOf(byte);
  return at < 0 ? [bytes, null] : [bytes.subarray(0, at), bytes.subarray(at + 1)];
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  while (start < bytes.length) {
    const feed = bytes.indexOf(LINE_FEED, start);
    const end = feed < 0 ? bytes.length : feed;
    const last = bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (last > start) lines.push(bytes.subarray(start, last));
    start = end + 1;
  }
  return lines;
}

function malformed(path: string): ConfigError {
  return new ConfigError(`Authfile [${path}] has a malformed entry. Should be 'user:password'`, 1);
}

/**
 * The server's clock: whole seconds since shortly before the start, one for all threads.
 *
 * The primary advances a word in the control block once a second (memory/control.ts); every thread
 * copies it here once a loop turn. Why not ask the operating system: two threads would disagree at
 * the edge of a second, and an item dead for one would be alive for the other.
 *
 * An item whose exptime is e is dead when e ≤ now, so a TTL of n seconds lives between n - 1 and n
 * seconds.
 */
import { SERVER_SECONDS_PAST, SERVER_SECONDS_START, type ServerSeconds } from "./unit.ts";

/** Up to this many seconds an exptime is relative, above it is a Unix time. */
const RELATIVE_EXPTIME_MAX = 60 * 60 * 24 * 30;

export class Clock {
  /** Now, in server seconds. */
  now: ServerSeconds = SERVER_SECONDS_START;
  /** The Unix time at which the server's clock would have read 0. */
  readonly epochUnix: number;

  constructor(epochUnix: number) {
    this.epochUnix = epochUnix;
  }

  /** The Unix time now. */
  unix(): number {
    return this.epochUnix + this.now;
  }

  /**
   * An exptime as a client writes it, as a deadline on this clock. 0 is never; 1…2592000 from now;
   * above, a Unix time; a negative one, or a Unix time before the start, has passed.
   */
  deadline(exptime: number): ServerSeconds {
    if (exptime === 0) return 0 as ServerSeconds;
    if (exptime < 0) return SERVER_SECONDS_PAST;
    if (exptime <= RELATIVE_EXPTIME_MAX) return (this.now + exptime) as ServerSeconds;
    if (exptime <= this.epochUnix + SERVER_SECONDS_START) return SERVER_SECONDS_PAST;
    return (exptime - this.epochUnix) as ServerSeconds;
  }
}

/** What UringTransport knows of a slot: the bits of its flags. */

/**
 * The handler's wishes, and what it has been told: no more is read, the peer has ended, the socket
 * is broken, it is closed.
 */
export const PAUSED = 1;
export const ENDED = 2;
export const BROKEN = 4;
export const CLOSING = 8;
/** The receive request is under way; it is being ended. */
export const RECEIVING = 16;
export const CANCELLING = 32;
/** A send block is in use. */
export const SENDING = 64;
/** Waits for room after a plain send that was cut short. */
export const POLLING = 128;
/** `writable` is owed. */
export const BLOCKED = 256;
/** Input held back while it was paused is to be delivered. */
export const RESUMED = 512;
/** It is on the list of those to be closed; its last send was given a time limit. */
export const LISTED = 1024;
export const LINGERING = 2048;

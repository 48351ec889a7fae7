/** Limits a client can meet. Sources: memcached 1.6 (doc/protocol.txt and observed behaviour). */
export const KEY_BYTES_MAX = 250;
/** Byte counts on the wire end here, as memcached's do: INT_MAX less the line end. */
export const WIRE_VALUE_BYTES_MAX = 2_147_483_645;
/** Opaque tokens of meta commands. */
export const OPAQUE_BYTES_MAX = 31;
/** A line with no end after this many bytes closes the connection, unless it is a get or gets. */
export const LINE_BYTES_MAX = 2048;
/** Tokens of one meta line: command, key and datalen included. */
export const META_TOKENS_MAX = 20;
/** Tokens of one classic line that are looked at. */
export const LINE_TOKENS_MAX = 23;
/** The version we answer: clients parse it, and we follow this one's protocol. */
export const PROTOCOL_VERSION = "1.6.45";
/** A line without an end may begin with this many spaces and still be a long get. */
export const LEADING_SPACES_MAX = 100;
/**
 * A get line up to so long is answered as a whole, or with one error. What is longer is answered
 * key by key as it comes: memcached keeps it all, however long, but a client must not choose how
 * much we hold.
 */
export const KEYS_LINE_WHOLE_BYTES_MAX = 16 << 10;
/** Spaces in a row between its keys: they are kept until what follows them is here. */
export const KEYS_LINE_SPACES_BYTES_MAX = 256 << 10;
/** The payload of an ASCII login. */
export const AUTH_TOKEN_BYTES_MAX = 16_384;
/** A SASL mechanism's name. */
export const MECHANISM_BYTES_MAX = 32;
/**
 * What an item costs beside key and value, as memcached counts it: -I limits that sum, and `size`
 * shows it.
 */
export const ITEM_OVERHEAD_BYTES = 48;
/** memcached's limit for the body of one binary packet. */
export const PACKET_BODY_BYTES_MAX = 1 << 30;
/** cache_memlimit takes this many MiB at least, and at most. */
export const MEMLIMIT_MIB_MIN = 8;
export const MEMLIMIT_MIB_MAX = 1_000_000_000;
export const VERBOSITY_MAX = 2;
/** The list of a cluster's nodes, as `config get cluster` tells it. */
export const CLUSTER_LIST_BYTES_MAX = 65_536;

/**
 * ListSource: where a list of nodes comes from, and goes on coming from while the node serves.
 *
 * A source tells of a list when it differs from the last, and of a problem once, in one sentence.
 * Whatever goes wrong while serving, the last good list stays.
 */
import type { NodeAddress } from "./node-list.ts";

/** A list as its source knows it. */
export interface SourcedList {
  readonly nodes: readonly (NodeAddress & { readonly ip?: string })[];
  /** The source's own version; null where nodes must agree on one (version.ts). */
  readonly version: number | null;
  /** The least version for a list nobody knows yet: a Unix time. */
  readonly seed: number;
}

export interface ListHandler {
  listed(list: SourcedList): void;
  /** The list could not be read; what was there stays. */
  failed(why: string): void;
}

export interface ListSource {
  /** Begins; resolves once it has told a list or a problem. Throws ConfigError. */
  start(handler: ListHandler): Promise<void>;
  stop(): void;
}

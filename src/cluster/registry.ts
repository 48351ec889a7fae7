/**
 * Registry: what the nodes of a cluster write down together, as few words as membership needs.
 *
 *   ring      one document, changed only by who has read the last one (compare and swap)
 *   alive     an entry for each node that lives, which goes away when the node stops renewing it
 *
 * The two are apart on purpose: who is in the ring decides where keys are, and a node that is away
 * for a minute must not move them.
 *
 * Every method may fail, and none is trusted to notice: the truth is what `read` says, and a watch
 * only makes it quick.
 */

/** Everything a registry holds. */
export interface RegistryView {
  /** The document's text; null when there is none. */
  readonly ring: string | null;
  /** What `writeRing` must be given to follow this document. */
  readonly ringRevision: string;
  /** What each living node says, by name. */
  readonly alive: ReadonlyMap<string, string>;
}

export interface Registry {
  /** As a majority knows it. */
  read(): Promise<RegistryView>;
  /** Writes the document if the last one is still that of `revision`. False: read again. */
  writeRing(text: string, revision: string): Promise<boolean>;
  /** Says that `name` lives, with `text`. */
  writeAlive(name: string, text: string): Promise<void>;
  /** Renews the entry. False: it has gone, write it again. */
  keepAlive(): Promise<boolean>;
  /** Takes the entry away at once. */
  leave(): Promise<void>;
  /** Calls `changed` when something may have changed, until `close`. */
  watch(changed: () => void): void;
  close(): void;
}

/** The registry has answered, and will not do better when asked again: a login, a permission. */
export class RegistryRefused extends Error {
  override readonly name = "RegistryRefused";
}

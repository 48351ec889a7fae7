/** ProtocolOptions: what of the settings the wire shows. */
export interface ProtocolOptions {
  /** -I: the largest item, counted as memcached counts (48 + key + value …). */
  readonly itemBytesMax: number;
  /** Values up to this length are waited for; longer ones are streamed. */
  readonly inlineValueBytesMax: number;
  /** False with -C: no CAS is stored, and meta E is ignored. */
  readonly casEnabled: boolean;
  /** False with -F. */
  readonly flushEnabled: boolean;
  /** True with -A. */
  readonly shutdownEnabled: boolean;
  /** There is a cluster: its list of nodes can be asked for. */
  readonly listsNodes: boolean;
  /** -S: there is a login by SASL. */
  readonly sasl: boolean;
}

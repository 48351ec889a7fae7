/**
 * The environment: SHARDCACHED_<LONG_NAME> for every option that takes part in a configuration, and
 * the variables memcached itself reads. `SHARDCACHED_CONN_LIMIT=4096` is `--conn-limit=4096`; a
 * switch takes yes or no.
 */
import type { Assignment } from "./flags.ts";
import { ASKED_ON_COMMAND_LINE, OPTIONS } from "./options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "SHARDCACHED_";
/** memcached writes the ports it bound to the file this names. */
export const PORT_FILE_VARIABLE = "MEMCACHED_PORT_FILENAME";
/** memcached's own name for the file of SASL users. */
export const SASL_FILE_VARIABLE = "MEMCACHED_SASL_PWDB";

/** Kubernetes sets <SERVICE>_PORT=tcp://… for a service that happens to be called shardcached. */
const KUBERNETES_LINK = /^(tcp|udp):\/\//;

/** The variable that sets an option. */
export function variableOf(name: string): string {
  return PREFIX + name.toUpperCase().replaceAll("-", "_");
}

/** The options the environment sets. */
export function environmentAssignments(environment: Environment): Assignment[] {
  const assignments: Assignment[] = [];
  for (const option of OPTIONS) {
    if (ASKED_ON_COMMAND_LINE.has(option.name)) continue;
    const variable = variableOf(option.name);
    const value = environment[variable];
    if (value === undefined || KUBERNETES_LINK.test(value)) continue;
    assignments.push({ option, value, origin: { place: variable, isFlag: false } });
  }
  return assignments;
}

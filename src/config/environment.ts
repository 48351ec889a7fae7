/**
 * The environment: SHARDCACHED_<LONG_NAME> for every option that takes part in a configuration, and
 * the variables memcached itself reads. `SHARDCACHED_CONN_LIMIT=4096` is `--conn-limit=4096`; a
 * switch takes yes or no.
 */
import type { Assignment } from "./flags.ts";
import { didYouMean } from "./nearest.ts";
import { ASKED_ON_COMMAND_LINE, OPTIONS } from "./options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "SHARDCACHED_";
/** memcached writes the ports it bound to the file this names. */
export const PORT_FILE_VARIABLE = "MEMCACHED_PORT_FILENAME";
/** memcached's own name for the file of SASL users. */
export const SASL_FILE_VARIABLE = "MEMCACHED_SASL_PWDB";

/** Kubernetes sets <SERVICE>_PORT=tcp://… for a service that happens to be called shardcached. */
const KUBERNETES_LINK = /^(tcp|udp):\/\//;

/** What it sets for any service whose name begins with ours. */
const KUBERNETES_NAME =
  /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;
/** Ours, and no option's. */
const OTHER_VARIABLES: readonly string[] = [
  "SHARDCACHED_ADMIN_TOKEN",
  "SHARDCACHED_CONFIG",
  "SHARDCACHED_DAEMON_CHILD",
];

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

/** A warning for each variable that looks like ours and is nobody's. */
export function environmentWarnings(environment: Environment): string[] {
  const options = OPTIONS.filter(({ name }) => !ASKED_ON_COMMAND_LINE.has(name));
  const known = [...options.map(({ name }) => variableOf(name)), ...OTHER_VARIABLES];
  const ends = known.map((variable) => variable.slice(PREFIX.length));
  return Object.keys(environment)
    .filter((variable) => variable.startsWith(PREFIX) && !known.includes(variable))
    .filter((variable) => !KUBERNETES_NAME.test(variable))
    .map((variable) => {
      const meant = didYouMean(variable.slice(PREFIX.length), ends, PREFIX);
      return `WARNING: ${variable} sets no option${meant}`;
    });
}

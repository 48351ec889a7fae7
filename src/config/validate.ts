/**
 * Checks that need more than one option, after all of them are known. memcached's words and exit
 * codes first.
 */
import { ConfigError } from "../base/errors.ts";
import { clusterAddressOf } from "./cluster-options.ts";
import type { Faults } from "./faults.ts";
import { listenText } from "./listen.ts";
import { EXIT_FAILURE, EXIT_USAGE } from "./option.ts";
import { ITEM_BYTES_MAX_MOST, type Settings } from "./settings.ts";
import { checkSuboptions } from "./suboptions.ts";
import { sizeText } from "./values.ts";

/** Hosts of -l that other machines do not reach. */
const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

/** Every combination that cannot be served is one more fault. */
export function validate(settings: Settings, faults: Faults): void {
  const checks = [
    validateItemSize,
    validateSasl,
    validateAuthFile,
    validateListeners,
    validateCluster,
    validateListening,
    validateNapiIds,
    validateSuboptions,
  ];
  for (const check of checks) faults.collect(() => check(settings));
}

function validateListening({ port, unixSocket, udpPort }: Settings): void {
  if (port !== 0 || unixSocket !== "" || udpPort !== 0) return;
  refuse("Nothing to listen on", "-p, --port", "0", "a port, or a path with -s");
}

function validateNapiIds({ napiIds, threads }: Settings): void {
  if (napiIds <= threads) return;
  refuse(
    `Number of napi_ids(${napiIds}) cannot be greater than number of threads(${threads})`,
    "-N, --napi-ids",
    String(napiIds),
    `1 to ${threads}`,
  );
}

function validateSuboptions({ extended }: Settings): void {
  const refusal = checkSuboptions(extended);
  if (refusal === null) return;
  const { complaint, allowed, exitCode } = refusal;
  throw new ConfigError(`${complaint} (-o, --extended: allowed: ${allowed})`, exitCode);
}

function validateItemSize(settings: Settings): void {
  const { itemBytesMax, memoryBytes } = settings;
  const name = "-I, --max-item-size";
  const allowed = `1k to ${sizeText(Math.min(ITEM_BYTES_MAX_MOST, memoryBytes / 2))}`;
  if (itemBytesMax > memoryBytes / 2) {
    const complaint = "Cannot set item size limit higher than 1/2 of memory max.";
    refuse(complaint, name, sizeText(itemBytesMax), `${allowed}, half of -m`);
  }
  if (itemBytesMax > ITEM_BYTES_MAX_MOST) {
    const complaint = "Cannot set item size limit higher than a gigabyte.";
    refuse(complaint, name, sizeText(itemBytesMax), allowed);
  }
}

function validateSasl(settings: Settings): void {
  const { protocol, saslEnabled, saslPasswordFile, udpPort } = settings;
  if (saslEnabled && protocol === "ascii") {
    const complaint = "ERROR: You cannot allow the ASCII protocol while using SASL.";
    refuse(complaint, "-B, --protocol", protocol, "binary or auto");
  }
  if (saslEnabled && udpPort !== 0) {
    const complaint = "ERROR: Cannot enable UDP while using binary SASL authentication.";
    refuse(complaint, "-U, --udp-port", String(udpPort), "0");
  }
  if (saslEnabled && saslPasswordFile === "") {
    const complaint = "Error initializing sasl.";
    const allowed = "a file of user:password lines, by --sasl-password-file or MEMCACHED_SASL_PWDB";
    throw new ConfigError(`${complaint} (-S, --enable-sasl: needs ${allowed})`, EXIT_FAILURE);
  }
}

function validateAuthFile({ authFile, protocol, udpPort }: Settings): void {
  if (authFile === "") return;
  if (protocol === "binary") {
    const complaint =
      "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.";
    refuse(complaint, "-B, --protocol", protocol, "ascii or auto");
  }
  if (udpPort !== 0) {
    const complaint = "Cannot use UDP with ascii authentication enabled (-U 0 to disable)";
    refuse(complaint, "-U, --udp-port", String(udpPort), "0");
  }
}

function validateCluster(settings: Settings): void {
  const { peers, cluster, clusterAdvertise, listen } = settings;
  const address = clusterAddressOf(settings);
  if (peers !== "" && cluster !== "") {
    refuse("Two lists of nodes", "--peers", peers, "--peers or --cluster, not both");
  }
  if (address === null) {
    const given = [
      ["--cluster-advertise", clusterAdvertise],
      ["--cluster-name", settings.clusterName],
    ].find(([, value]) => value !== "");
    if (given === undefined) return;
    const [name = "", value = ""] = given;
    refuse("There is no cluster", name, value, "with --peers or --cluster");
  }
  if (address.kind !== "etcd") return;
  if (listen.length === 0) {
    refuse("A node of a cluster listens on TCP", "--cluster", cluster, "with a port of -p or -l");
  }
  if (clusterAdvertise === "" && listen.every(({ host }) => LOOPBACK.test(host))) {
    const allowed = "an address others reach with -l, or --cluster-advertise";
    refuse("Only this machine reaches this node", "--cluster", cluster, allowed);
  }
}

/** No listener speaks a protocol that has no login where the other must log in. */
function validateListeners({ listen, protocol, saslEnabled, authFile }: Settings): void {
  if (saslEnabled === (authFile !== "")) return; // no login, or one in either protocol
  const [open, lockedBy, login] = saslEnabled
    ? (["ascii", "-S", "-Y, a login in ASCII"] as const)
    : (["binary", "-Y", "-S, a login in binary"] as const);
  const wrong = listen.find((listener) => listener.protocol === open);
  if (wrong === undefined || protocol === open) return; // of -B itself more was said
  const complaint = `ERROR: With ${lockedBy} nobody could log in at this listener.`;
  const value = `proto[${open}]:${listenText(wrong)}`;
  refuse(complaint, "-l, --listen", value, `another proto, or besides ${login}`);
}

function refuse(complaint: string, name: string, value: string, allowed: string): never {
  throw new ConfigError(`${complaint} (${name}: got "${value}", allowed: ${allowed})`, EXIT_USAGE);
}

/** What the operator should know though nothing is wrong. */
export function warningsOf(settings: Settings): string[] {
  const warnings: string[] = [];
  if (settings.persistenceDir !== "") {
    warnings.push(
      `WARNING: data is not kept on disk yet: persistence-dir ${settings.persistenceDir} ` +
        "is not used, a restart starts empty",
    );
  }
  const { unixSocket, listenText: addresses, udpPort } = settings;
  if (unixSocket !== "" && (addresses !== "" || udpPort !== 0)) {
    warnings.push("WARNING: -s disables network support: what -l and -U ask for is not served");
  }
  if (settings.largePages) {
    warnings.push("WARNING: -L changes nothing: transparent huge pages are asked for anyway");
  }
  return warnings;
}

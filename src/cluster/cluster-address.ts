/**
 * Where the list of nodes comes from: --cluster and --peers, as they are written.
 *
 *   --peers a:11211,b:11211                 the list itself
 *   file:///etc/shardcached/nodes           a file, read again when it changes (file-source.ts)
 *   dns+srv://_memcached._tcp.cache.svc     SRV records, asked for again (dns-source.ts)
 *     ?server=127.0.0.1:8600                of this name server, Consul's for one
 *   etcd://[user:password@]h1,h2:2379/NAME  a registry the nodes keep themselves (membership.ts)
 *     ?ca=FILE&cert=FILE&key=FILE           over TLS; ?tls=yes with the system's authorities
 *
 * Pure: every mistake is a sentence, found before anything is asked.
 */
import { isIP } from "node:net";
import { addressText, type NodeAddress, nodeAddressesFrom, nodeAddressFrom } from "./node-list.ts";

const ETCD_PORT = 2379;
const DNS_PORT = 53;
/** etcd clusters are of three or five. */
const ENDPOINTS_MAX = 16;
/** Becomes part of a key in etcd. */
const CLUSTER_NAME = /^[A-Za-z0-9._-]{1,64}$/;
const SRV_NAME = /^(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?$/;

export interface EtcdTls {
  /** Files; empty: the system's authorities, no certificate of ours. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export type ClusterAddress =
  | { readonly kind: "static"; readonly nodes: readonly NodeAddress[] }
  | { readonly kind: "file"; readonly path: string }
  | {
      readonly kind: "dns";
      readonly name: string;
      /** `host:port` of a name server; empty: the system's. */
      readonly server: string;
    }
  | {
      readonly kind: "etcd";
      readonly endpoints: readonly string[];
      readonly cluster: string;
      readonly user: string;
      readonly password: string;
      readonly tls: EtcdTls | null;
    };

/** What may stand after --cluster, for refusals. */
export const CLUSTER_FORMS =
  "file:///path, dns+srv://name[?server=host:port] or etcd://[user:password@]host,host/name";

/** Reads --peers. A string says what is wrong. */
export function peersFrom(text: string): ClusterAddress | string {
  const nodes = nodeAddressesFrom(text);
  return typeof nodes === "string" ? nodes : { kind: "static", nodes };
}

/** Reads --cluster. A string says what is wrong. */
export function clusterAddressFrom(text: string): ClusterAddress | string {
  const split = /^([a-z+]+):\/\/([^?#]*)(?:\?([^#]*))?$/.exec(text);
  if (split === null) return `"${text}" is no URL`;
  const [, scheme = "", body = "", queryText = ""] = split;
  const query = new Map(new URLSearchParams(queryText));
  switch (scheme) {
    case "file":
      return withQuery(fileFrom(body), query, []);
    case "dns+srv":
      return withQuery(dnsFrom(body, query.get("server") ?? ""), query, ["server"]);
    case "etcd":
      return withQuery(etcdFrom(body, query), query, ["tls", "ca", "cert", "key"]);
    default:
      return `"${scheme}" is no kind of cluster`;
  }
}

/** `address`, unless the query has a word that belongs to no such address. */
function withQuery(
  address: ClusterAddress | string,
  query: ReadonlyMap<string, string>,
  known: readonly string[],
): ClusterAddress | string {
  for (const name of query.keys()) {
    if (!known.includes(name)) return `"${name}" is no parameter of this URL`;
  }
  return address;
}

function fileFrom(body: string): ClusterAddress | string {
  if (!body.startsWith("/")) return "a file's URL has three slashes and a whole path: file:///path";
  const path = decoded(body);
  return path === null ? `"${body}" holds a % that encodes nothing` : { kind: "file", path };
}

function dnsFrom(name: string, server: string): ClusterAddress | string {
  if (!SRV_NAME.test(name)) return `"${name}" is no DNS name`;
  if (server === "") return { kind: "dns", name, server };
  const address = nodeAddressFrom(server, DNS_PORT);
  if (typeof address === "string") return address;
  if (isIP(address.host) === 0) return `a name server is an IP address, not "${address.host}"`;
  return { kind: "dns", name, server: addressText(address) };
}

function etcdFrom(body: string, query: ReadonlyMap<string, string>): ClusterAddress | string {
  const split = /^(?:([^@/]*)@)?([^@/]*)\/([^/]*)$/.exec(body);
  if (split === null) return "an etcd URL is etcd://host,host/name";
  const [, userinfo, hosts = "", cluster = ""] = split;
  if (!CLUSTER_NAME.test(cluster)) {
    return `"${cluster}" is no cluster's name: 1 to 64 letters, digits, dots, dashes`;
  }
  const tls = tlsFrom(query);
  if (typeof tls === "string") return tls;
  const login = loginFrom(userinfo);
  if (typeof login === "string") return login;
  const endpoints: string[] = [];
  for (const part of hosts.split(",")) {
    const address = nodeAddressFrom(part.trim(), ETCD_PORT);
    if (typeof address === "string") return address;
    endpoints.push(`${tls === null ? "http" : "https"}://${addressText(address)}`);
  }
  if (endpoints.length > ENDPOINTS_MAX) return `more than ${ENDPOINTS_MAX} members of etcd`;
  return { kind: "etcd", endpoints, cluster, ...login, tls };
}

function loginFrom(userinfo: string | undefined): { user: string; password: string } | string {
  if (userinfo === undefined) return { user: "", password: "" };
  const colon = userinfo.indexOf(":");
  const user = decoded(colon < 0 ? userinfo : userinfo.slice(0, colon));
  const password = colon < 0 ? "" : decoded(userinfo.slice(colon + 1));
  if (user === null || password === null) return "user or password holds a % that encodes nothing";
  if (user === "" || password === "") return "before the @ stand a user and a password";
  return { user, password };
}

function tlsFrom(query: ReadonlyMap<string, string>): EtcdTls | null | string {
  const switched = query.get("tls");
  if (switched !== undefined && switched !== "yes") return `tls is yes or left out`;
  const [ca = "", cert = "", key = ""] = ["ca", "cert", "key"].map((name) => query.get(name));
  if ((cert === "") !== (key === "")) return "cert and key go together";
  if (switched === undefined && ca === "" && cert === "") return null;
  return { ca, cert, key };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The URL without its password, for logs and pages. */
export function clusterText(address: ClusterAddress): string {
  switch (address.kind) {
    case "static":
      return `peers ${address.nodes.map(addressText).join(",")}`;
    case "file":
      return `file://${address.path}`;
    case "dns":
      return `dns+srv://${address.name}`;
    default: {
      const hosts = address.endpoints.map((url) => url.replace(/^https?:\/\//, "")).join(",");
      return `etcd://${address.user === "" ? "" : `${address.user}@`}${hosts}/${address.cluster}`;
    }
  }
}

/** The Helm chart: rendered, read as YAML, and held to the server it configures. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { runProgram } from "../support/run-program.ts";
import { isInstalled } from "../support/server-matrix.ts";
import { loadFrom } from "../unit/config/load-from.ts";
import { GoTemplates } from "./go-template.ts";

const CHART = fileURLToPath(new URL("../../docs/deploy/helm/shardcached/", import.meta.url));
const TEMPLATES = readdirSync(join(CHART, "templates"));

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: whatever Kubernetes has in it
  readonly [field: string]: any;
}

type Values = Record<string, Record<string, unknown>>;

const read = (path: string) => readFileSync(join(CHART, path), "utf8");

/** The values of the chart with some of them replaced. */
function valuesWith(changes: Values): Values {
  const values = parse(read("values.yaml")) as Values;
  for (const [name, change] of Object.entries(changes))
    values[name] = { ...values[name], ...change };
  return values;
}

/** The chart's manifests by kind, as a release called "cache" in the namespace "prod". */
function render(changes: Values = {}): Map<string, Manifest> {
  const sources = TEMPLATES.map((name) => [
    `shardcached/templates/${name}`,
    read(`templates/${name}`),
  ]);
  const templates = new GoTemplates(Object.fromEntries(sources) as Record<string, string>);
  const { name, version, appVersion } = parse(read("Chart.yaml")) as Record<string, string>;
  const root = {
    Values: valuesWith(changes),
    Chart: { Name: name, Version: version, AppVersion: appVersion },
    Release: { Name: "cache", Namespace: "prod", Service: "Helm" },
    Template: { BasePath: "shardcached/templates" },
    Files: { Get: read },
  };
  const manifests = new Map<string, Manifest>();
  for (const template of TEMPLATES.filter((each) => each.endsWith(".yaml"))) {
    const text = templates.render(`shardcached/templates/${template}`, root);
    for (const document of parseAllDocuments(text, { version: "1.1" })) {
      expect(document.errors, text).toEqual([]);
      const manifest = document.toJS() as Manifest | null;
      if (manifest === null) continue;
      const kind =
        manifest.kind === "ConfigMap" && template.startsWith("grafana")
          ? "Dashboard"
          : manifest.kind;
      manifests.set(kind, manifest);
    }
  }
  return manifests;
}

/** A part of the manifest of that kind. */
// biome-ignore lint/suspicious/noExplicitAny: whatever Kubernetes has in it
function field(manifests: Map<string, Manifest>, kind: string, name: string): any {
  const manifest = manifests.get(kind);
  if (manifest === undefined) throw new Error(`the chart gives no ${kind}`);
  return manifest[name];
}

describe("with its own values the chart", () => {
  const manifests = render();
  const pod = field(manifests, "StatefulSet", "spec").template.spec;
  const container = pod.containers[0];

  test("is a StatefulSet with a headless Service, a configuration, a token, a budget", () => {
    expect([...manifests.keys()].sort()).toEqual([
      "ConfigMap",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "Secret",
      "Service",
      "StatefulSet",
    ]);
    expect(field(manifests, "Service", "spec").clusterIP).toBe("None");
    const { serviceName } = field(manifests, "StatefulSet", "spec");
    expect(serviceName).toBe(manifests.get("Service")?.metadata.name);
  });

  test("selects the pods it makes", () => {
    const { labels } = field(manifests, "StatefulSet", "spec").template.metadata;
    for (const selector of [
      field(manifests, "Service", "spec").selector,
      field(manifests, "StatefulSet", "spec").selector.matchLabels,
      field(manifests, "PodDisruptionBudget", "spec").selector.matchLabels,
      field(manifests, "NetworkPolicy", "spec").podSelector.matchLabels,
    ]) {
      expect(labels).toMatchObject(selector);
    }
  });

  test("probes /readyz and /healthz on a port the container has", () => {
    expect(container.startupProbe.httpGet).toEqual({ path: "/readyz", port: "admin" });
    expect(container.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "admin" });
    expect(container.livenessProbe.httpGet).toEqual({ path: "/healthz", port: "admin" });
    expect(container.ports.map(({ name }: { name: string }) => name)).toContain("admin");
  });

  test("runs as nobody in particular, on a file system it cannot write", () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(pod.volumes[1].secret.defaultMode).toBe(0o440);
  });

  test("gives the container a quarter and 200 MB more than its items", () => {
    const { memoryBytes } = settingsOf(manifests);
    const limitMib = Number(container.resources.limits.memory.replace("Mi", ""));
    expect(limitMib).toBeGreaterThan((memoryBytes / 1024 / 1024) * 1.25 + 200);
  });
});

/** What the server makes of the pod's arguments, environment and configuration file. */
function settingsOf(manifests: Map<string, Manifest>) {
  const container = field(manifests, "StatefulSet", "spec").template.spec.containers[0];
  const environment = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  const text = field(manifests, "ConfigMap", "data")["shardcached.conf"] as string;
  const files = { "/etc/shardcached/config/shardcached.conf": text };
  return loadFrom({ args: container.args, environment, files }).settings;
}

test("the server takes the configuration of the chart, and listens where the Service looks", () => {
  const config = {
    "conn-limit": 1_048_576,
    "disable-cas": true,
    threads: 3,
    "memory-limit": "512m",
  };
  const manifests = render({
    config,
    service: { port: 11311 },
    admin: { port: 11380 },
    auth: { existingSecret: "logins" },
  });
  expect(settingsOf(manifests)).toMatchObject({
    port: 11311,
    listen: [{ host: "*", port: 11311 }],
    adminListen: "0.0.0.0:11380",
    adminTokenFile: "/etc/shardcached/admin/token",
    authFile: "/etc/shardcached/auth/logins",
    maxConnections: 1_048_576,
    casEnabled: false,
    threads: 3,
    memoryBytes: 512 * 1024 * 1024,
  });
});

test("a Secret of the user's takes the place of the chart's", () => {
  const manifests = render({ admin: { existingSecret: "mine" }, podMonitor: { enabled: true } });
  expect(manifests.has("Secret")).toBe(false);
  const [endpoint] = field(manifests, "PodMonitor", "spec").podMetricsEndpoints;
  expect(endpoint.authorization.credentials).toEqual({ name: "mine", key: "token" });
  const { volumes } = field(manifests, "StatefulSet", "spec").template.spec;
  expect(volumes[1].secret.secretName).toBe("mine");
});

test("the admin port is for the pods of its namespace and those that are named", () => {
  const spec = (changes: Values) => field(render(changes), "NetworkPolicy", "spec");
  const [cache, admin] = spec({}).ingress;
  expect(cache).toEqual({ ports: [{ port: "memcached" }] });
  expect(admin).toEqual({ ports: [{ port: "admin" }], from: [{ podSelector: {} }] });
  const peer = { namespaceSelector: { matchLabels: { name: "monitoring" } } };
  const named = spec({ networkPolicy: { clients: [peer], admin: [peer] } }).ingress;
  expect(named[0].from).toEqual([peer]);
  expect(named[1].from).toEqual([{ podSelector: {} }, peer]);
  expect(render({ networkPolicy: { enabled: false } }).has("NetworkPolicy")).toBe(false);
});

test("a changed configuration changes the pods, so that they are rolled", () => {
  const sumOf = (manifests: Map<string, Manifest>) =>
    field(manifests, "StatefulSet", "spec").template.metadata.annotations["checksum/config"];
  expect(sumOf(render())).toBe(sumOf(render()));
  expect(sumOf(render())).not.toBe(sumOf(render({ config: { "memory-limit": "2g" } })));
});

test("the Grafana dashboard comes along as a ConfigMap", () => {
  const data = field(render({ grafanaDashboard: { enabled: true } }), "Dashboard", "data");
  expect(JSON.parse(data["shardcached.json"])).toMatchObject({ uid: "shardcached" });
});

describe("values.schema.json", () => {
  const schema = JSON.parse(read("values.schema.json"));

  test("knows every value there is", () => {
    const { global, ...properties } = schema.properties;
    expect(global).toBeDefined();
    expect(Object.keys(properties).sort()).toEqual(Object.keys(valuesWith({})).sort());
    for (const [name, value] of Object.entries(valuesWith({}))) {
      const known = schema.properties[name].properties;
      if (known === undefined) continue;
      expect(Object.keys(value).filter((key) => known[key] === undefined)).toEqual([]);
    }
  });
});

test("the chart and the package have one version", () => {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  expect(parse(read("Chart.yaml"))).toMatchObject({ version, appVersion: version });
});

test(`helm itself takes it${isInstalled("helm") ? "" : " (not installed)"}`, async () => {
  if (!isInstalled("helm")) return;
  const { code, stderr } = await runProgram("helm", ["lint", "--strict", CHART]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

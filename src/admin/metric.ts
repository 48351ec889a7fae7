/**
 * Metric: numbers that live in shared memory, in the shape prom-client's registry prints.
 * prom-client's own counters count themselves; ours are read when somebody scrapes, so a metric is
 * a name and a function.
 */
import { Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

/** One line: labels and value; `suffix` names the parts of a histogram. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

export interface MetricSpec {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly read: () => readonly Sample[] | number;
}

/** What prom-client's registry asks of a metric. */
interface RegistryMetric {
  readonly name: string;
  get(): Promise<unknown>;
  reset(): void;
}

/** A registry of `specs`. */
export function registryOf(specs: readonly MetricSpec[]): Registry {
  const registry = new Registry();
  for (const spec of specs) {
    const metric: RegistryMetric = {
      name: spec.name,
      get: () => Promise.resolve(read(spec)),
      reset: () => {},
    };
    registry.registerMetric(metric as never);
  }
  return registry;
}

function read(spec: MetricSpec): unknown {
  const found = spec.read();
  const samples: readonly Sample[] = typeof found === "number" ? [{ value: found }] : found;
  return {
    name: spec.name,
    help: spec.help,
    type: spec.type,
    aggregator: "sum",
    values: samples.map(({ labels, value, suffix }) => ({
      labels: labels ?? {},
      value,
      ...(suffix === undefined ? {} : { metricName: `${spec.name}${suffix}` }),
    })),
  };
}

/** Shorthands: a table of metrics reads better with them. */
export function counter(name: string, help: string, read: MetricSpec["read"]): MetricSpec {
  return { name, help, type: "counter", read };
}

export function gauge(name: string, help: string, read: MetricSpec["read"]): MetricSpec {
  return { name, help, type: "gauge", read };
}

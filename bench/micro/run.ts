/**
 * `npm run bench:micro [-- --smoke] [-- filter …]`: measures every bench/micro case, each in a
 * process of its own.
 *
 *   parent   lists the *.bench.js files beside it, starts `run.js --child file index size` for each case, prints a table
 *   child    imports the one file, measures the one case, writes one line of JSON
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Command } from "commander";
import { describeMachine } from "../report/machine.ts";
import { renderTable } from "../report/table.ts";
import { casesOf, type MicroResult, type MicroSize, measureMicro } from "./micro-bench.ts";

const HERE = dirname(fileURLToPath(import.meta.url));

/** Paths of all bench files under `folder`. */
export function benchFiles(folder: string = HERE): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.bench\.(ts|js)$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

async function child(file: string, index: number, size: MicroSize): Promise<void> {
  const bench = casesOf(await import(pathToFileURL(file).href))[index];
  if (bench === undefined) throw new Error(`${file} has no case ${index}`);
  console.log(JSON.stringify(measureMicro(bench, size)));
}

async function parent(filters: readonly string[], size: MicroSize, json: boolean): Promise<void> {
  const results: MicroResult[] = [];
  for (const file of benchFiles()) {
    const cases = casesOf(await import(pathToFileURL(file).href));
    for (const [index, { name }] of cases.entries()) {
      const wanted = filters.every((filter) => `${relative(HERE, file)} ${name}`.includes(filter));
      if (!wanted) continue;
      const self = fileURLToPath(import.meta.url);
      const run = spawnSync(
        process.execPath,
        ["--expose-gc", self, "--child", file, String(index), size],
        { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
      );
      if (run.status !== 0) throw new Error(`${name} failed`);
      results.push(JSON.parse(run.stdout) as MicroResult);
      if (process.stderr.isTTY) process.stderr.write(`\r${results.length} measured `);
    }
  }
  if (json) {
    console.log(JSON.stringify({ machine: describeMachine(), size, results }, null, 2));
    return;
  }
  if (process.stderr.isTTY) process.stderr.write("\r");
  console.log(describeMachine().line);
  console.log(
    renderTable(
      ["case", "ns/op", "± MAD", "min", "max", "heap B/op", "checksum"],
      results.map(({ name, nanoseconds: ns, heapBytes, checksum }) => [
        name,
        ns.median.toFixed(1),
        ns.mad.toFixed(1),
        ns.min.toFixed(1),
        ns.max.toFixed(1),
        heapBytes.toFixed(1),
        String(checksum),
      ]),
    ),
  );
}

interface Options {
  smoke: boolean;
  json: boolean;
}

async function main(words: readonly string[]): Promise<void> {
  const [first, file, index, size] = words;
  if (first === "--child") return child(file as string, Number(index), size as MicroSize);
  const command = new Command("bench:micro")
    .description("Measures the pieces of the server, each in a process of its own.")
    .argument("[filters...]", "only cases whose file or name holds every one of these")
    .option("--smoke", "the small size that the tests run", false)
    .option("--json", "print JSON instead of a table", false);
  command.parse(words, { from: "user" });
  const { smoke, json } = command.opts<Options>();
  return parent(command.args, smoke ? "smoke" : "full", json);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

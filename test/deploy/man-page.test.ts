/**
 * The man page is what the option table and the configuration file make of it, and man can read it.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { OPTIONS } from "../../src/config/options.ts";
import { missing, runProgram } from "../support/run-program.ts";
import { manPage, passagesOf } from "./man-page.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const CONFIG = readFileSync(at("config/shardcached.conf"), "utf8");
const { version } = JSON.parse(readFileSync(at("package.json"), "utf8")) as { version: string };

test("docs/man/shardcached.8 is up to date", async () => {
  await expect(manPage(CONFIG, version)).toMatchFileSnapshot(at("docs/man/shardcached.8"));
});

test("passagesOf() finds an explanation for every setting of the file", () => {
  const passages = passagesOf(CONFIG);
  expect(passages.filter(({ text }) => text === "")).toEqual([]);
  const settings = passages.flatMap((passage) => passage.settings).length;
  expect(settings).toBe(CONFIG.match(/^# [a-z-]+ =/gm)?.length);
});

test(`groff reads it without a warning, and every option is there${missing("groff")}`, async () => {
  if (missing("groff") !== "") return;
  const args = ["-man", "-Tascii", "-ww", "-P-cbou", "-rLL=200n", at("docs/man/shardcached.8")];
  const { code, stdout, stderr } = await runProgram("groff", args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const { name } of OPTIONS) expect(stdout).toContain(`--${name}`);
});

/**
 * The dashboard in a real browser (Debian's Chromium), over a simulated node: it shows what the
 * node did, asks nobody else for anything, and can be used from the keyboard.
 */
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOKEN_ENVIRONMENT } from "../../src/admin/access.ts";
import type { AdminServer } from "../../src/admin/admin.ts";
import type { Frame } from "../../src/admin/frame.ts";
import { launchBrowser, serveDashboard } from "../support/dashboard-world.ts";
import { SimulatedNode } from "../support/simulated-node.ts";

const TOKEN = "a-token-for-this-test";
const BYTES_MAX = 200 * 1024;
const STEP_MILLISECONDS = 60_000;
/** A telephone. */
const NARROW_PIXELS = 400;

const simulated = new SimulatedNode({ seed: 21, threads: 2 });
let admin: AdminServer;
let browser: Browser;
let page: Page;
let load: NodeJS.Timeout;
const problems: string[] = [];
const outside: string[] = [];

beforeAll(async () => {
  process.env[TOKEN_ENVIRONMENT] = TOKEN;
  for (let second = 0; second < 5; second++) simulated.second(3000);
  admin = await serveDashboard(simulated);
  load = setInterval(() => simulated.second(3000), 1000);
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(STEP_MILLISECONDS / 2);
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(admin.url)) outside.push(request.url());
  });
  await page.goto(admin.url);
}, STEP_MILLISECONDS);

afterAll(async () => {
  clearInterval(load);
  await browser.close();
  await admin.close();
  delete process.env[TOKEN_ENVIRONMENT];
}, STEP_MILLISECONDS);

/** Looks at the page again and again, until it shows what is expected. */
function eventually<Seen>(read: () => Seen | Promise<Seen>) {
  return expect.poll(read, { timeout: STEP_MILLISECONDS / 3 });
}

async function overview(): Promise<Frame> {
  return (await (await fetch(new URL("api/v1/overview", admin.url))).json()) as Frame;
}

describe("the dashboard", () => {
  test(
    "tells the node's health in one sentence, and why",
    async () => {
      await eventually(() => page.textContent("#sentence")).toMatch(/requests a second/);
      const sentence = await page.textContent("#sentence");
      expect(sentence).toMatch(/^[A-Z][a-z ]+: .*requests a second, .*\.$/);
      const { health } = await overview();
      const cause = await page.textContent("#cause");
      expect(cause === "").toBe(health.cause === "");
    },
    STEP_MILLISECONDS,
  );

  test(
    "shows what the node did: workers, slabs, memory, lifetimes",
    async () => {
      await page.waitForSelector(".lane:nth-child(2)");
      const { memory, queues } = await overview();
      const parts = await page.textContent("#memory-parts");
      expect(parts).toContain("Index");
      expect(await page.textContent("#memory-note")).toMatch(/MiB resident/);
      const legend = await page.textContent("#slabs-legend");
      for (const { name } of queues) expect(legend).toContain(name);
      expect(memory.items).toBeGreaterThan(0);
      expect(await page.textContent("#ages-note")).toMatch(/\.$/);
    },
    STEP_MILLISECONDS,
  );

  test(
    "draws: every canvas has colours on it",
    async () => {
      await page.waitForSelector("#throughput canvas");
      await page.waitForTimeout(2500);
      const blank = await page.evaluate(`
      ["#throughput canvas", "#latency canvas", "#slabs", "#ages", ".tile canvas"].filter((selector) => {
        const canvas = document.querySelector(selector);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.every((byte) => byte === 0);
      })
    `);
      expect(blank).toEqual([]);
    },
    STEP_MILLISECONDS,
  );

  test(
    "names the hot keys, and lists them by misses too",
    async () => {
      await page.waitForSelector("#hot tbody tr td.key");
      const hottest = await page.textContent("#hot tbody tr:first-child td.key");
      expect(hottest).toBe("user:1");
      await page.keyboard.press("h");
      await page.keyboard.press("h");
      await eventually(() => page.textContent("#hot tbody td.key")).toMatch(/^flag:missing-/);
    },
    STEP_MILLISECONDS,
  );

  test(
    "finds keys by prefix from the keyboard",
    async () => {
      await page.keyboard.press("/");
      await page.keyboard.type("rate:");
      const keys = () => page.locator("#keys-list td.key").allTextContents();
      await eventually(async () => (await keys()).length).toBeGreaterThan(3);
      await eventually(async () =>
        (await keys()).filter((key) => !key.startsWith("rate:")),
      ).toEqual([]);
      expect(await page.textContent("#keys-note")).toMatch(/\d+ keys, /);
    },
    STEP_MILLISECONDS,
  );

  test(
    "a key that looks like markup stays text",
    async () => {
      const evil = "<img src=x onerror=document.title='owned'>";
      simulated.put(evil, 5);
      await page.fill("#keys-prefix", "<img");
      await eventually(() => page.locator("#keys-list td.key").count()).toBe(1);
      expect(await page.textContent("#keys-list td.key")).toBe(evil);
      expect(await page.locator("#keys-list img").count()).toBe(0);
      expect(await page.title()).not.toContain("owned");
    },
    STEP_MILLISECONDS,
  );

  test(
    "changes are offered only to who has the token",
    async () => {
      expect(await page.locator("#flush").isVisible()).toBe(false);
      await page.click("#sign");
      await page.fill("#login-token", TOKEN);
      await page.press("#login-token", "Enter");
      await page.waitForSelector("#flush:visible");
      await page.click("#sign");
      await page.waitForSelector("#flush", { state: "hidden" });
    },
    STEP_MILLISECONDS,
  );

  test(
    "is dark or light as asked, and remembers it",
    async () => {
      await page.evaluate(`document.activeElement.blur()`);
      const theme = () => page.getAttribute("html", "data-theme");
      const before = await theme();
      await page.keyboard.press("t");
      const after = await theme();
      expect(after).not.toBe(before);
      await page.reload();
      expect(await theme()).toBe(after);
    },
    STEP_MILLISECONDS,
  );

  test(
    "can be read on a narrow screen: nothing sticks out, and keys keep their room",
    async () => {
      const wide = page.viewportSize();
      await page.setViewportSize({ width: NARROW_PIXELS, height: 800 });
      const sticksOut = `[...document.querySelectorAll("section, .tile dd, .lane")].filter(
        (each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)`;
      await eventually(() => page.evaluate(sticksOut)).toEqual([]); // charts follow their cards
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(NARROW_PIXELS);
      for (const table of ["#hot", "#keys-list"]) {
        const cell = await page.locator(`${table} td.key`).first().boundingBox();
        expect(cell?.width).toBeGreaterThan(NARROW_PIXELS / 3);
      }
      if (wide !== null) await page.setViewportSize(wide);
    },
    STEP_MILLISECONDS,
  );

  test(
    "shows the last 24 hours",
    async () => {
      await page.keyboard.press("r");
      await eventually(() => page.locator("#range input:checked").getAttribute("value")).toBe(
        "24h",
      );
    },
    STEP_MILLISECONDS,
  );

  test(
    "says that the node does not answer, rather than showing old numbers as new",
    async () => {
      await page.route("**/api/v1/live*", (route) => route.abort());
      await page.reload();
      await eventually(() => page.textContent("#sentence")).toMatch(/does not answer/);
      await page.unroute("**/api/v1/live*");
      problems.splice(0); // the abort itself
    },
    STEP_MILLISECONDS,
  );

  test("asked nobody but the node, and had no errors", () => {
    expect(outside).toEqual([]);
    expect(problems.filter((text) => !text.includes("ERR_FAILED"))).toEqual([]);
  });

  test("is small: under 200 KiB, uncompressed, with the chart library", () => {
    const folder = fileURLToPath(new URL("../../src/admin/dashboard/", import.meta.url));
    const uplot = fileURLToPath(new URL("../../node_modules/uplot/dist/", import.meta.url));
    const files = readdirSync(folder).map((name) => folder + name);
    files.push(`${uplot}uPlot.iife.min.js`, `${uplot}uPlot.min.css`);
    const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
    expect(bytes).toBeLessThan(BYTES_MAX);
  });
});

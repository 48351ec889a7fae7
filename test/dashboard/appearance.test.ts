/**
 * What the dashboard looks like and says, in a real browser: text that can be read (WCAG 2.2 AA), a
 * first page that helps, buttons that say what they do.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOKEN_ENVIRONMENT } from "../../src/admin/access.ts";
import type { AdminServer } from "../../src/admin/admin.ts";
import { launchBrowser, serveDashboard } from "../support/dashboard-world.ts";
import { SimulatedNode } from "../support/simulated-node.ts";

const TOKEN = "a-token-for-this-test";
const STEP_MILLISECONDS = 60_000;

let browser: Browser;
const admins: AdminServer[] = [];

beforeAll(async () => {
  process.env[TOKEN_ENVIRONMENT] = TOKEN;
  browser = await launchBrowser();
}, STEP_MILLISECONDS);

afterAll(async () => {
  await browser.close();
  for (const admin of admins) await admin.close();
  delete process.env[TOKEN_ENVIRONMENT];
}, STEP_MILLISECONDS);

async function open(simulated: SimulatedNode, colorScheme: "light" | "dark", width = 1440) {
  const admin = await serveDashboard(simulated);
  admins.push(admin);
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  page.setDefaultTimeout(STEP_MILLISECONDS / 2);
  await page.goto(admin.url);
  await page.locator("#node", { hasText: "up " }).waitFor();
  return page;
}

/** A node that has served for a few seconds. */
function busy(): SimulatedNode {
  const simulated = new SimulatedNode({ seed: 21, threads: 2 });
  for (let second = 0; second < 5; second++) simulated.second(3000);
  return simulated;
}

/** Every visible text whose contrast with what is behind it is less than AA asks for. */
const FAINT_TEXTS = `(() => {
  const channels = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => {
      const part = each / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const [r, g, b, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha > 0.5) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (own.length === 0 || !element.checkVisibility() || element.closest(".hidden, .skip")) continue;
    const style = getComputedStyle(element);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const [one, other] = [luminance(channels(style.color)), luminance(behind(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(own[0].data.trim().slice(0, 40) + " " + ratio.toFixed(2));
  }
  return faint;
})()`;

for (const theme of ["light", "dark"] as const) {
  describe(`the page, ${theme}`, () => {
    test(
      "has no text below AA's contrast, busy or empty, at any width",
      async () => {
        for (const width of [390, 1024, 1440]) {
          for (const simulated of [busy(), new SimulatedNode({ seed: 1, threads: 2 })]) {
            const page = await open(simulated, theme, width);
            await page.evaluate(
              `document.querySelectorAll(".asks").forEach((each) => each.click())`,
            );
            expect(await page.evaluate(FAINT_TEXTS)).toEqual([]);
            for (const id of ["login", "confirm", "keys-help"]) {
              await page.evaluate(`document.getElementById("${id}").showModal()`);
              expect(await page.evaluate(FAINT_TEXTS), id).toEqual([]);
              await page.evaluate(`document.getElementById("${id}").close()`);
            }
            const sticksOut = `document.documentElement.scrollWidth`;
            expect(await page.evaluate(sticksOut)).toBeLessThanOrEqual(width);
            await page.close();
          }
        }
      },
      3 * STEP_MILLISECONDS,
    );
  });
}

describe("a node that holds nothing", () => {
  test(
    "says where it is and how to begin, until something is stored",
    async () => {
      const simulated = new SimulatedNode({ seed: 1, threads: 2 });
      const page = await open(simulated, "light");
      await page.waitForSelector("#welcome:not([hidden])");
      expect(await page.textContent("#welcome-address")).toBe("127.0.0.1:11211");
      const languages = await page.locator("#welcome-language span").allTextContents();
      expect(languages).toEqual(["Shell", "Node", "Python", "PHP", "Go", "Ruby", "Java"]);
      for (const language of languages) {
        await page.locator("#welcome-language span", { hasText: language }).click();
        const code = (await page.textContent("#welcome-code")) ?? "";
        expect(code, language).toMatch(/127\.0\.0\.1"?[:, ]+ ?11211/);
        expect(code, language).toContain("greeting");
      }
      simulated.second(2000);
      await page.waitForSelector("#welcome", { state: "hidden" });
      await page.close();
    },
    STEP_MILLISECONDS,
  );
});

describe("the page says", () => {
  let page: Page;

  beforeAll(async () => {
    page = await open(busy(), "light");
  }, STEP_MILLISECONDS);

  test("which node it is: machine, cache, version", async () => {
    const { hostname } = await import("node:os");
    const node = (await page.textContent("#node")) ?? "";
    expect(node).toContain(hostname());
    expect(node).toContain("cache at 127.0.0.1:11211");
    expect(await page.textContent("#about")).toMatch(
      /shardcached \d+\.\d+\.\d+, .* memcached 1\.6/,
    );
  });

  test("what window a figure is of", async () => {
    expect(await page.textContent(".window")).toMatch(/last second.*last minute/);
    expect(await page.textContent("#sentence")).toMatch(/\(last (minute|[\d.]+ s)\)/);
  });

  test("what each card is, when asked", async () => {
    const cards = await page.locator("section.card:not(#welcome) h2").count();
    expect(await page.locator(".asks").count()).toBe(cards);
    await page.click("#ages-title + .asks");
    expect(await page.isVisible("#ages-what")).toBe(true);
    await page.click("#ages-title + .asks");
    expect(await page.isVisible("#ages-what")).toBe(false);
  });

  test(
    "that a key nobody stores was never there",
    async () => {
      await page.locator("#hot-by span", { hasText: "Misses" }).click();
      const row = page.locator("#hot td.key", { hasText: "flag:missing-" }).first();
      await page.route("**/api/v1/keys/*", (route) => route.fulfill({ status: 404, body: "{}" }));
      await row.click();
      await page.waitForSelector("#item .problem");
      expect(await page.textContent("#item .problem")).toMatch(
        /^(Nobody stores this key|There is no such key)/,
      );
      await page.unroute("**/api/v1/keys/*");
    },
    STEP_MILLISECONDS,
  );

  test(
    "on a button what it does",
    async () => {
      await page.click("#sign");
      await page.fill("#login-token", TOKEN);
      await page.click("#login-form .primary");
      await page.waitForSelector("#flush:not([hidden])");
      await page.click("#flush");
      expect(await page.textContent("#confirm-yes")).toBe("Flush all");
      await page.click("#confirm button[value=no]");
      expect(await page.content()).not.toContain("Do it");
      await page.close();
    },
    STEP_MILLISECONDS,
  );
});

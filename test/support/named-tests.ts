/** Tests that a page names: a file of test/ without its ending, " › ", how a test's name begins. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The source of a test file, given as a page names it, or null. */
function testSource(file: string): string | null {
  const path = at(`test/${file}.test.ts`);
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** True when the test is there. Without a name the whole file is meant. */
export function isNamedTest(shown: string): boolean {
  const [file = "", name = ""] = shown.split(" ›").map((part) => part.trim());
  const source = testSource(file);
  if (source === null) return false;
  return name === "" || source.includes(`"${name}`) || source.includes(`\`${name}`);
}

/** The Node this program is written and tested for: package.json's engines say the same. */

export const NODE_LEAST = "20.19";

/** One line when `version` is older; null when it will do. */
export function nodeProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [majorLeast = 0, minorLeast = 0] = NODE_LEAST.split(".").map(Number);
  if (major > majorLeast || (major === majorLeast && minor >= minorLeast)) return null;
  return `shardcached needs Node ${NODE_LEAST} or newer, and this is ${version} (${process.execPath})`;
}

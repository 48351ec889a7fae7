/**
 * Before any test: builds what is old, since servers and worker threads are tested as built.
 * Sources that do not compile are named on stderr; the tests run against what could be built.
 */
export async function setup() {
  const { ensureBuilt } = await import("../../scripts/prepare.mjs");
  await ensureBuilt("all");
}

/**
 * Bundles the server: src/main.ts and workers/shard.ts, each with everything it imports, into
 * dist/server; packages are left out.
 *
 * Why: a start is mostly the loading of modules, one by one, again in every thread. A worker's
 * hundred modules as one file load in a tenth of the time. Names and places stay: an entry, or a
 * module that is imported lazily, keeps its path below dist/server, so that what it finds relative
 * to itself is still there.
 */
import { join, relative } from "node:path";
import { rolldown } from "rolldown";
import { plainFields } from "./plain-fields.mjs";
import { ROOT } from "./root.mjs";

/**
 * Bundled apart from each other: what they share would else be files of its own, dozens of them.
 */
const ENTRIES = ["src/main.ts", "workers/shard.ts"];
/**
 * What several lazily imported modules of the primary share is one file, not one for each
 * combination of them: the primary's start needs nearly all of it, and a file costs a millisecond.
 */
const SHARED = {
  name: "start",
  test: /\/src\/(base|command|config|libc|listen|memory|ring|shard|store|transport|primary)\//,
  minShareCount: 2,
};

/** `src/admin/admin.ts` becomes `src/admin/admin.js`. */
function placeOf({ facadeModuleId, name }) {
  if (facadeModuleId === null) return `src/shared/${name}.js`;
  return relative(ROOT, facadeModuleId).replace(/\.ts$/, ".js");
}

export async function bundleServer() {
  for (const entry of ENTRIES) {
    const bundle = await rolldown({
      cwd: ROOT,
      input: entry,
      platform: "node",
      external: (id) => !id.startsWith(".") && !id.startsWith("/"),
      tsconfig: false,
      optimization: { inlineConst: true },
      plugins: [plainFields()],
      checks: { pluginTimings: false },
    });
    await bundle.write({
      dir: join(ROOT, "dist", "server"),
      format: "esm",
      sourcemap: true,
      codeSplitting: { groups: [SHARED] },
      entryFileNames: placeOf,
      chunkFileNames: placeOf,
    });
    await bundle.close();
  }
}

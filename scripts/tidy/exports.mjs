/**
 * Exports that nobody needs:
 *
 *   a value nobody imports                       loses its `export`, or goes
 *   a value or type that its own file does not   production does not need it; what tests alone
 *   use, and only tests import                   may call says "Tests only" above it
 *   a type that nobody imports                   stays while an exported signature names it
 */
import { importsOf, nameOf } from "./imports.mjs";
import { walk } from "./tree.mjs";

const TESTS = /^test\//;
const HELD = /^(src|workers|bench|scripts|test)\//;
/** Called by vitest, by a line of YAML, and by the threads' pool: by no import. */
const TAKEN_BY_NAME = new Set([
  "test/support/build-first.mjs setup",
  "scripts/system-packages.mjs SYSTEM_PACKAGES",
  "workers/load.ts default",
]);
const TESTS_ONLY = /\btests?\b.*\bonly\b|\bfor tests\b/i;

export function deadExports(tree) {
  const uses = usesOfAll(tree);
  const dead = [];
  for (const file of tree.code(HELD)) {
    for (const each of exportsOf(file)) {
      if (TAKEN_BY_NAME.has(`${file.path} ${each.name}`)) continue;
      const users = [
        ...(uses.get(`${file.path} ${each.name}`) ?? []),
        ...(uses.get(`${file.path} *`) ?? []),
      ];
      const isTestFile = TESTS.test(file.path) || file.path.startsWith("scripts/");
      const used = users.some((user) => isTestFile || !TESTS.test(user));
      if (used) continue;
      const line = file.lineAt(each.node.start);
      const usedAtHome = isUsedAtHome(file, each);
      if (users.length === 0 && !(usedAtHome && each.isType)) {
        dead.push({ path: file.path, line, message: `nobody imports ${each.name}: no \`export\`` });
      } else if (!usedAtHome && !TESTS_ONLY.test(commentAbove(file, each.node))) {
        dead.push({ path: file.path, line, message: `only tests use ${each.name}` });
      }
    }
  }
  return dead;
}

/** Who imports what: "path name" ─▶ the importing files. */
function usesOfAll(tree) {
  const uses = new Map();
  for (const file of tree.code()) {
    for (const { to, names } of importsOf(file, tree)) {
      for (const name of names ?? ["*"]) {
        const key = `${to} ${name}`;
        if (!uses.has(key)) uses.set(key, []);
        uses.get(key).push(file.path);
      }
    }
  }
  return uses;
}

/** The names a file exports, each with the node of its declaration. */
function exportsOf(file) {
  const found = [];
  for (const node of file.program.body) {
    if (node.type === "ExportDefaultDeclaration") continue;
    if (node.type !== "ExportNamedDeclaration") continue;
    const declared = node.declaration;
    for (const each of node.specifiers) {
      found.push({ name: nameOf(each.exported), node: each, isType: false });
    }
    const isType = /^TS(Interface|TypeAlias)/.test(declared?.type ?? "");
    for (const id of idsOf(declared)) found.push({ name: id.name, node: id, isType });
  }
  return merged(found);
}

function idsOf(declared) {
  if (declared == null) return [];
  const ids = declared.declarations?.map(({ id }) => id) ?? [declared.id];
  return ids.filter((id) => id?.name !== undefined);
}

/** A const and a type of one name are one export. */
function merged(found) {
  const byName = new Map(found.toReversed().map((each) => [each.name, each]));
  return [...byName.values()];
}

function isUsedAtHome(file, { name }) {
  let count = 0;
  walk(file.program, (node) => {
    if (node.type === "Identifier" && node.name === name) count++;
  });
  const declared = file.program.body.flatMap((node) => idsOf(node.declaration));
  return count > declared.filter((id) => id.name === name).length;
}

/** The doc comment that ends on the line before a node's, or "". */
export function commentAbove(file, node) {
  const line = file.lineAt(node.start);
  const above = file.comments.find(
    ({ type, end }) => type === "Block" && file.lineAt(end) === line - 1,
  );
  return above?.value ?? "";
}

/**
 * Plain fields: turns the private fields and methods of bundled code into ordinary ones, `#name`
 * into `$name`.
 *
 *   class A { #word; constructor(w) { this.#word = w; } }       a slot that held `undefined` first: any value, looked at each time
 *   class A {        constructor(w) { this.$word = w; } }       a slot that has only held small integers: read as one
 *
 * Why: V8 compiles for what a field has held. A private field must be declared, and a declaration
 * without a value stores `undefined`, so no private field is ever known to hold numbers alone; and
 * calling a private method checks the receiver first. The sources keep `#`, and TypeScript's checks
 * with it; what runs is a fifth faster (docs/adr/0008-plain-fields.md).
 *
 * Each name keeps its length, so source maps stay right.
 */
import { parseAst } from "rolldown/parseAst";

/** A rolldown plugin. */
export function plainFields() {
  return { name: "plain-fields", renderChunk: (code) => ({ code: plain(code), map: null }) };
}

/** The code with plain fields. Throws where that would change what it means. */
export function plain(code) {
  if (/\.\$\w/.test(code)) throw new Error("plain fields: a property is called $… already");
  const letters = code.split("");
  const classes = new Map();
  visit(parseAst(code), (node) => {
    if (node.type === "BinaryExpression" && node.left.type === "PrivateIdentifier") {
      throw new Error(`plain fields: \`#${node.left.name} in …\` asks for a private field`);
    }
    if (node.type === "PrivateIdentifier") letters[node.start] = "$";
    if (node.type === "ClassDeclaration" || node.type === "ClassExpression") {
      classes.set(node.id?.name ?? node, node);
    }
    const declares = node.type === "PropertyDefinition" && node.key.type === "PrivateIdentifier";
    if (declares && node.value === null) letters.fill(" ", node.start, node.end);
  });
  for (const node of classes.values()) refuseSharedNames(node, classes);
  return letters.join("");
}

/**
 * A class and the one it extends may have private fields of one name: as plain ones they would be
 * the same.
 */
function refuseSharedNames(node, classes) {
  const base = node.superClass === null ? undefined : classes.get(node.superClass.name);
  if (base === undefined) return;
  const names = privateNames(base);
  const shared = privateNames(node).find((name) => names.includes(name));
  if (shared !== undefined) {
    throw new Error(`plain fields: ${node.id?.name} and ${base.id?.name} both have a #${shared}`);
  }
}

function privateNames(node) {
  return node.body.body
    .filter(({ key }) => key?.type === "PrivateIdentifier")
    .map(({ key }) => key.name);
}

function visit(node, see) {
  if (node === null || typeof node !== "object") return;
  if (Array.isArray(node)) {
    for (const each of node) visit(each, see);
    return;
  }
  if (typeof node.type !== "string") return;
  const blanked = node.type === "PropertyDefinition" && node.value === null;
  for (const [key, value] of Object.entries(node)) {
    if (!(blanked && key === "key")) visit(value, see);
  }
  see(node);
}

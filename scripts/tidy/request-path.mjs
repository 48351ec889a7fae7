/**
 * The request path allocates nothing and throws nothing (CONTRIBUTING.md): no `new`, array, object,
 * closure, spread, text put together or `throw` inside a function of its folders.
 *
 *   const copy = new Uint8Array(n); // alloc: why     a line that must says why, or the line above
 *   Not on the request path: why                      in the comment above a function or class, or
 *                                                     in a file's header: none of it is
 *
 * Constructors and module level are not on it: they run at the start.
 */
import { walk } from "./tree.mjs";

const HOT = /^src\/(protocol|ring|router|shard|store|transport|connection)\//;
const ALLOCATES = new Map([
  ["NewExpression", "new"],
  ["ArrayExpression", "an array"],
  ["ObjectExpression", "an object"],
  ["ArrowFunctionExpression", "a closure"],
  ["FunctionExpression", "a closure"],
  ["SpreadElement", "a spread"],
  ["ThrowStatement", "a throw"],
  ["TemplateLiteral", "text put together"],
]);
const EXEMPT = /Not on the request path:|Tests only/;
const IS_FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

export function allocations(tree) {
  return tree.code(HOT).flatMap((file) => (isExempt(file, file.program.body[0]) ? [] : scan(file)));
}

function scan(file) {
  const found = [];
  const lines = new Set();
  walk(file.program, (node, above) => {
    const what = ALLOCATES.get(node.type);
    if (what === undefined || !isOnPath(file, node, above)) return;
    const line = file.lineAt(node.start);
    const reason = /\/\/ alloc: \S/;
    if (reason.test(file.lines[line - 1]) || reason.test(file.lines[line - 2] ?? "")) return;
    if (lines.has(line)) return;
    lines.add(line);
    found.push({
      path: file.path,
      line,
      message: `${what} on the request path: say // alloc: why`,
    });
  });
  return found;
}

function isOnPath(file, node, above) {
  if (node.type === "TemplateLiteral" && node.expressions.length === 0) return false;
  const parent = above.at(-1);
  if (node.type === "FunctionExpression" && parent?.type === "MethodDefinition") return false;
  const functions = above.filter(({ type }) => IS_FUNCTION.test(type));
  if (functions.length === 0) return false;
  if (above.some((each) => each.type === "MethodDefinition" && each.kind === "constructor")) {
    return false;
  }
  // What is thrown is built with it: one finding, one reason.
  if (above.some(({ type }) => type === "ThrowStatement")) return false;
  return !above.some((each) => isDeclared(each) && isExempt(file, each));
}

const isDeclared = ({ type }) =>
  /^(FunctionDeclaration|MethodDefinition|ClassDeclaration|Export)/.test(type);

/** True when the comment that ends just above a node, or opens the file, says so. */
function isExempt(file, node) {
  if (node === undefined) return false;
  const line = file.lineAt(node.start);
  return file.comments.some(
    ({ value, start, end }) =>
      EXEMPT.test(value) &&
      (node === file.program.body[0] ? start === 0 : file.lineAt(end) === line - 1),
  );
}

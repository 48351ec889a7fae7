/**
 * Drawings against constants. A header draws the memory its file describes; the constants below it
 * are what runs. Two conventions tie them:
 *
 *   const AT_OFFSET = 40, and …_WORD, …_BYTE      the header's drawing has the number
 *   AWAKE 0, `LINES_MAX` = 500, LINES_MAX (500)   a number given to a constant is its value
 *
 * A first place, at 0, needs no number. A drawing in bytes may show a word by its first byte, one in
 * words a byte offset by its word.
 */

const DRAWN = /^src\/.*\.ts$/;
const IS_DRAWING = /^\s*\*?.*\b(bytes?|words?)\s+\d|\|.*\|/m;
const PLACE = /_(WORD|BYTE|OFFSET)$/;
const GIVEN =
  /\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`?(?: \(| = | is | {2,})(\d[\d_]*)\b(?![\d.]*\s*[*…])/g;
const WORD_BYTES = 4;

/** Places the header does not show, and numbers that are not the constant's. */
export function falseDrawings(tree) {
  return tree.code(DRAWN).flatMap((file) => {
    const values = constantsOf(file);
    return [...undrawnPlaces(file, values), ...wrongNumbers(file, values)];
  });
}

function undrawnPlaces(file, values) {
  const [header] = file.comments;
  if (header?.type !== "Block" || header.start > 0 || !IS_DRAWING.test(header.value)) return [];
  const drawn = new Set((header.value.match(/\d+/g) ?? []).map(Number));
  return [...values]
    .filter(([name, { value }]) => PLACE.test(name) && Number.isInteger(value) && value > 0)
    .filter(([name, { value }]) => {
      if (drawn.has(value)) return false;
      return !drawn.has(name.endsWith("_WORD") ? value * WORD_BYTES : value / WORD_BYTES);
    })
    .map(([name, { value, node }]) => ({
      path: file.path,
      line: file.lineAt(node.start),
      message: `${name} is ${value}: the header's drawing does not show it`,
    }));
}

function wrongNumbers(file, values) {
  const found = [];
  for (const comment of file.comments) {
    for (const match of comment.value.matchAll(GIVEN)) {
      const [, name, digits] = match;
      const known = values.get(name);
      if (known === undefined || known.value === Number(digits.replaceAll("_", ""))) continue;
      const line = file.lineAt(comment.start + 2 + match.index);
      const message = `the comment says ${name} is ${digits}, the code ${known.value}`;
      found.push({ path: file.path, line, message });
    }
  }
  return found;
}

/** The constants of a file that are numbers, arithmetic on each other included. */
function constantsOf(file) {
  const values = new Map();
  for (const node of file.program.body) {
    const declared = node.declaration ?? node;
    if (declared.type !== "VariableDeclaration" || declared.kind !== "const") continue;
    for (const { id, init } of declared.declarations) {
      const value = id.type === "Identifier" ? numberOf(init, values) : undefined;
      if (value !== undefined) values.set(id.name, { value, node: id });
    }
  }
  return values;
}

const OPERATIONS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "<<": (a, b) => a << b,
  ">>>": (a, b) => a >>> b,
};

function numberOf(node, values) {
  if (node?.type === "Literal" && typeof node.value === "number") return node.value;
  if (node?.type === "Identifier") return values.get(node.name)?.value;
  if (node?.type === "TSAsExpression") return numberOf(node.expression, values);
  if (node?.type !== "BinaryExpression") return undefined;
  const [left, right] = [numberOf(node.left, values), numberOf(node.right, values)];
  if (left === undefined || right === undefined) return undefined;
  return OPERATIONS[node.operator]?.(left, right);
}

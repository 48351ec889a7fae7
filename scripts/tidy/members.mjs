/**
 * What is declared of an object and read by nobody: settings nothing obeys, parts passed and never
 * used, methods nothing calls.
 *
 * A member of an interface or class is read by
 *
 *   o.member        where `o` ends in a name this file declares with that type, or with none
 *   { member }      taken apart
 *   "member"        named in a string
 *
 * or by somebody the code does not show, whom the comment above it names: "Read by …", "Called by …",
 * "Tests only".
 *
 * Why the receiver counts: two types often have a member of one name, and the one that is read must
 * not hide the other that is not. Where the type of `o` cannot be told from the file (the result of
 * a call, say), any member of that name counts as read: the rule lets some pass, and refuses none
 * that is read.
 */
import { commentAbove } from "./exports.mjs";
import { walk } from "./tree.mjs";

const DECLARED_IN = /^src\/.*\.ts$/;
const READ_IN = /^(src|workers|bench|scripts)\//;
const OUTSIDE = /^(bench|scripts)\//;
/** Names settings in strings to fill them, which is no reading. */
const WRITES_BY_NAME = /^src\/config\//;
/** Settings and parts are passed on as other settings and parts alone. */
const READ_AS_ITSELF = /(Settings|Parts)$/;
/** A type written out where it is used. */
const UNNAMED = "{}";
const READ_ELSEWHERE = /\b(tests only|(?:read|called) by \w+)/i;
/** Called by Node or by a package, by name. */
const CALLED_FROM_OUTSIDE = /^(_\w+|toJSON|constructor|then|code)$/;

export function unreadMembers(tree) {
  const types = declaredTypes(tree);
  const reads = new Map();
  for (const file of tree.code(READ_IN)) addReads(file, types, reads);
  const found = [];
  for (const type of types.values()) {
    for (const [member, { file, node, isPublic }] of type.members) {
      if (!isPublic || CALLED_FROM_OUTSIDE.test(member)) continue;
      const readers = reads.get(member);
      if ([...related(type, types)].some((name) => readers?.has(name))) continue;
      if (READ_ELSEWHERE.test(commentAbove(file, node))) continue;
      const line = file.lineAt(node.start);
      found.push({ path: file.path, line, message: `nothing reads ${type.name}.${member}` });
    }
  }
  return found;
}

/** Interfaces and classes by name, with their members and what they extend. */
function declaredTypes(tree) {
  const types = new Map();
  for (const file of tree.code(DECLARED_IN)) {
    walk(file.program, (node) => {
      const isInterface = node.type === "TSInterfaceDeclaration";
      if (!isInterface && node.type !== "ClassDeclaration") return;
      const name = node.id?.name;
      if (name === undefined) return;
      const type = types.get(name) ?? { name, members: new Map(), bases: new Set() };
      types.set(name, type);
      for (const base of basesOf(node)) type.bases.add(base);
      for (const each of node.body.body) addMember(type, file, each);
    });
  }
  return types;
}

function addMember(type, file, node) {
  const { key } = node;
  if (key?.type !== "Identifier" || node.computed) return;
  const isPublic = node.override !== true && node.accessibility !== "private";
  if (!type.members.has(key.name)) type.members.set(key.name, { file, node: key, isPublic });
}

function basesOf(node) {
  const names = [];
  for (const each of [...(node.extends ?? []), ...(node.implements ?? [])]) {
    const name = each.expression?.name ?? each.expression?.typeName?.name;
    if (name !== undefined) names.push(name);
  }
  if (node.superClass?.name !== undefined) names.push(node.superClass.name);
  return names;
}

/**
 * The types a value of `type` may be read as: itself, what it extends, what extends it, and those
 * whose members it all has, since an object is passed on as any of these.
 */
function related(type, types) {
  const names = new Set(["*", type.name, ...type.bases]);
  if (!READ_AS_ITSELF.test(type.name)) names.add(UNNAMED);
  for (const each of types.values()) {
    const covers =
      READ_AS_ITSELF.test(type.name) === READ_AS_ITSELF.test(each.name) &&
      [...each.members.keys()].every((member) => type.members.has(member));
    if (covers || each.bases.has(type.name)) names.add(each.name);
  }
  return names;
}

/** member ─▶ the types it may have been read of; "*" where that cannot be told. */
function addReads(file, types, reads) {
  const declared = annotations(file);
  const add = (member, names) => {
    if (!reads.has(member)) reads.set(member, new Set());
    for (const name of names) {
      // Benchmarks have options of their own, under the same names.
      if (name !== "*" || !OUTSIDE.test(file.path)) reads.get(member).add(name);
    }
  };
  walk(file.program, (node, above) => {
    const parent = above.at(-1);
    if (node.type === "MemberExpression" && !node.computed) {
      const isWritten = parent?.type === "AssignmentExpression" && parent.left === node;
      if (isWritten && parent.operator === "=") return;
      if (node.property.type !== "Identifier") return;
      add(node.property.name, receiverTypes(node.object, declared, types));
    }
    if (node.type === "ObjectPattern") {
      const from = patternTypes(node, parent, declared, types);
      for (const { key } of node.properties) if (key?.type === "Identifier") add(key.name, from);
    }
    const isName = node.type === "Literal" && typeof node.value === "string";
    if (isName && !WRITES_BY_NAME.test(file.path)) add(node.value, ["*"]);
  });
}

/** The types of what `{ … } = value` or a parameter takes apart. */
function patternTypes(node, parent, declared, types) {
  if (node.typeAnnotation) return knownOnly(typeNames(node.typeAnnotation), types);
  const isDeclared = parent?.type === "VariableDeclarator" && parent.init !== null;
  return isDeclared ? receiverTypes(parent.init, declared, types) : ["*"];
}

/** name ─▶ the types it is declared with in this file. */
function annotations(file) {
  const declared = new Map();
  const add = (name, annotation) => {
    if (!declared.has(name)) declared.set(name, new Set());
    for (const type of typeNames(annotation)) declared.get(name).add(type);
  };
  walk(file.program, (node) => {
    if (node.type === "Identifier" && node.typeAnnotation) add(node.name, node.typeAnnotation);
    if (node.type === "PropertyDefinition" || node.type === "TSPropertySignature") {
      const name = node.key?.name;
      if (name !== undefined) add(name, node.typeAnnotation ?? valueType(node.value));
    }
    if (node.type === "VariableDeclarator" && node.id.type === "Identifier") {
      if (!node.id.typeAnnotation) add(node.id.name, valueType(node.init));
    }
    // An arrow's parameter without a type may be of any.
    if (/Function/.test(node.type)) {
      for (const each of node.params ?? []) {
        if (each.type === "Identifier" && !each.typeAnnotation) add(each.name, null);
      }
    }
  });
  return declared;
}

/** `new A(…)` is an A; else it cannot be told. */
function valueType(value) {
  return value?.type === "NewExpression" ? value.callee : null;
}

function typeNames(annotation) {
  if (annotation == null) return ["*"];
  if (annotation.type === "Identifier") return [annotation.name];
  const names = [];
  walk(annotation, (node) => {
    if (node.type === "TSTypeReference") names.push(node.typeName.name ?? "*");
    if (node.type === "TSTypeLiteral") names.push(UNNAMED);
    if (/^TS(TypeQuery|IndexedAccess|Conditional|Mapped)/.test(node.type)) names.push("*");
  });
  return names;
}

/** The types an expression may have. */
function receiverTypes(object, declared, types) {
  if (object.type === "ThisExpression") return ["*"];
  const name =
    object.type === "Identifier"
      ? object.name
      : object.type === "MemberExpression" && !object.computed
        ? object.property.name
        : undefined;
  const names = name === undefined ? undefined : declared.get(name);
  return names === undefined ? ["*"] : knownOnly([...names], types);
}

/** The names, when all are types of ours. */
function knownOnly(names, types) {
  return names.every((each) => each === UNNAMED || types.has(each)) ? names : ["*"];
}

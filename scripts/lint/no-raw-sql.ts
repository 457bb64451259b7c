import { definitionOf } from "./rule.ts";
import type { Context, Node, Rule } from "./rule.ts";

/** What takes SQL as its first argument: of MikroORM, its query builder, the driver and our own. */
const methods = new Set([
  ...["execute", "query", "raw", "executeDump", "addSql", "namedStatement"],
  ...["where", "andWhere", "orWhere", "having", "andHaving", "orHaving"],
]);

/** What the driver itself makes safe. */
const quoting = new Set(["escapeIdentifier", "escapeLiteral"]);

/**
 * SQL is made of constants, and values go in as parameters (CWE-89). What a module makes once, when it is loaded, cannot
 * hold anything of a request, nor can what its functions make of that alone; what a function is handed can.
 */
export const noRawSql: Rule = {
  create(context) {
    return {
      CallExpression(node) {
        const name = nameOf(node.callee);
        const [first] = node.arguments;
        if (first === undefined || name === undefined || !methods.has(name)) return;
        if (context.sourceCode.getScope(node).type === "module") return;
        const sql = first.type === "ObjectExpression" ? textProperty(first) : first;
        if (sql !== undefined && !isConstant(sql, context))
          context.report({
            node: sql,
            message: "Make SQL of constants, and hand values over as parameters.",
          });
      },
    };
  },
};

function nameOf(callee: Node): string | undefined {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type !== "MemberExpression") return undefined;
  const { property } = callee;
  if (property.type === "Literal") return String(property.value);
  return property.type === "Identifier" ? property.name : undefined;
}

/** The driver takes `{ text, values }` as well; an object without `text` is no query, but a spread may hide one. */
function textProperty(node: Extract<Node, { type: "ObjectExpression" }>): Node | undefined {
  for (const property of node.properties) {
    if (property.type === "SpreadElement") return property;
    const { key } = property;
    const name = key.type === "Literal" ? key.value : key.type === "Identifier" && key.name;
    if (name === "text") return property.value;
  }
  return undefined;
}

function isConstant(node: Node, context: Context): boolean {
  const each = (nodes: Node[]) => nodes.every((part) => isConstant(part, context));
  switch (node.type) {
    case "Literal":
      return true;
    case "TemplateLiteral":
      return each(node.expressions);
    case "BinaryExpression":
      return each([node.left, node.right]);
    case "ConditionalExpression":
      return each([node.consequent, node.alternate]);
    case "CallExpression":
      return quoting.has(nameOf(node.callee) ?? "") || each([node.callee, ...node.arguments]);
    case "MemberExpression":
      return isConstant(node.object, context) && node.object.type !== "Literal";
    case "Identifier": {
      const definition = definitionOf(node, context);
      if (definition === undefined) return false;
      const { scope, initial } = definition;
      return scope.type === "module" || (initial !== undefined && isConstant(initial, context));
    }
    default:
      return false;
  }
}

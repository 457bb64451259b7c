import { checkSync } from "recheck";
import { definitionOf } from "./rule.ts";
import type { Context, Node, Rule } from "./rule.ts";

/** Milliseconds for one pattern: what cannot be judged in that time is too hard to read as well. */
const patience = 10_000;

/** Patterns that take more than linear time let one request hold up all others (CWE-1333). */
export const safeRegex: Rule = {
  create(context) {
    const judge = (node: Node, pattern: string, flags: string) => {
      const verdict = checkSync(pattern, flags, { timeout: patience });
      if (verdict.status === "safe") return;
      const message =
        verdict.status === "vulnerable"
          ? `This pattern can take ${verdict.complexity.type} time.`
          : "Whether this pattern takes linear time cannot be told: make it simpler.";
      context.report({ node, message });
    };
    const construct = (node: Extract<Node, { type: "NewExpression" | "CallExpression" }>) => {
      if (node.callee.type !== "Identifier" || node.callee.name !== "RegExp") return;
      const [pattern, flags] = node.arguments.map((argument) => textOf(argument, context));
      if (pattern === undefined || (flags === undefined && node.arguments.length > 1))
        context.report({
          node,
          message: "Make the pattern of constants of this file, so that it can be judged.",
        });
      else judge(node, pattern, flags ?? "");
    };
    return {
      Literal(node) {
        if ("regex" in node) judge(node, node.regex.pattern, node.regex.flags);
      },
      NewExpression: construct,
      CallExpression: construct,
    };
  },
};

/** The text that an expression always has; undefined when the file alone does not say. */
function textOf(node: Node, context: Context): string | undefined {
  switch (node.type) {
    case "Literal":
      return typeof node.value === "string" ? node.value : undefined;
    case "TemplateLiteral":
      return filledIn(
        node.quasis.map(({ value }) => value.cooked),
        node.expressions,
        context,
      );
    case "TaggedTemplateExpression":
      return context.sourceCode.getText(node.tag) === "String.raw"
        ? filledIn(
            node.quasi.quasis.map(({ value }) => value.raw),
            node.quasi.expressions,
            context,
          )
        : undefined;
    case "BinaryExpression":
      return node.operator === "+" ? filledIn(["", "", ""], [node.left, node.right], context) : undefined;
    case "Identifier": {
      const initial = definitionOf(node, context)?.initial;
      return initial && textOf(initial, context);
    }
    default:
      return undefined;
  }
}

function filledIn(texts: (string | null)[], between: Node[], context: Context): string | undefined {
  const values = between.map((node) => textOf(node, context));
  return values.includes(undefined)
    ? undefined
    : texts.map((text, at) => (text ?? "") + (values[at] ?? "")).join("");
}

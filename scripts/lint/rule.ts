import type { RuleTester } from "oxlint/plugins-dev";

/** What oxlint takes as a rule; the types come from what it offers for testing rules. */
export type Rule = Parameters<RuleTester["run"]>[1];
export type Context = Parameters<NonNullable<Rule["create"]>>[0];
export type Node = Parameters<Context["sourceCode"]["getScope"]>[0];

/**
 * The `const`, function or import that an identifier stands for, with its initial value (in a `for … of`, the list that it is from);
 * undefined for a parameter and whatever may change.
 */
export function definitionOf(node: Node & { name: string }, { sourceCode }: Context) {
  for (
    let scope: ReturnType<typeof sourceCode.getScope> | null = sourceCode.getScope(node);
    scope !== null;
    scope = scope.upper
  ) {
    const variable = scope.set.get(node.name);
    if (variable === undefined) continue;
    const [definition] = variable.defs;
    if (definition?.type === "ImportBinding" || definition?.type === "FunctionName")
      return { scope, initial: undefined };
    const { parent, node: declarator } = definition ?? {};
    if (parent?.type !== "VariableDeclaration" || parent.kind !== "const") return undefined;
    if (declarator?.type !== "VariableDeclarator") return undefined;
    const loop = parent.parent;
    const isOf = loop?.type === "ForOfStatement" && loop.left === parent;
    const initial = isOf ? loop.right : declarator.init;
    // A name in a pattern stands for some part of the value.
    return { scope, initial: declarator.id.type === "Identifier" ? (initial ?? undefined) : undefined };
  }
  return undefined;
}

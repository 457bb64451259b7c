import {
  defaultFieldResolver,
  getNullableType,
  isLeafType,
  isNonNullType,
  isObjectType,
  Kind,
  TypeNameMetaFieldDef,
} from "graphql";
import type {
  FieldNode,
  GraphQLField,
  GraphQLLeafType,
  GraphQLObjectType,
  GraphQLResolveInfo,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from "graphql";
import type { Context } from "./context.ts";

type Resolve = (source: unknown, context: Context) => unknown;

interface Leaf {
  /** `"key":` */
  start: string;
  resolve: Resolve;
  type: GraphQLLeafType;
  isNullable: boolean;
}

/** Thrown where the specification has more to say than is known here; the query is then executed by it. */
const notPlain = new Error("not plain");

/**
 * A query of one field, an object of which leaves are asked, as in `{ me { id email } }`: compiled, for without
 * arguments, fragments, directives and lists there is little to decide when it runs. Undefined for any other query.
 * @param operation a valid one
 * @returns what gives the body of the answer, or undefined when anything fails: graphql-js is then to say what
 */
export function compilePlainQuery(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
): ((context: Context) => Promise<string | undefined>) | undefined {
  const query = schema.getQueryType();
  const [node, ...others] = operation.selectionSet.selections;
  if (!query || node?.kind !== Kind.FIELD || others.length > 0 || operation.directives?.length)
    return undefined;
  const field = query.getFields()[node.name.value];
  const type = field && getNullableType(field.type);
  if (!field || !isObjectType(type) || type.isTypeOf || !isPlain(node, field) || !node.selectionSet)
    return undefined;
  const key = (node.alias ?? node.name).value;
  const path = { prev: undefined, key, typename: query.name };
  const common = { schema, operation, fragments: {}, rootValue: undefined, variableValues: {} };
  const leaves = compileLeaves(type, node.selectionSet, path, common);
  if (leaves === undefined) return undefined;
  const resolve = resolverOf(field, { ...common, ...placeOf(node, field, query), path });
  const isNullable = !isNonNullType(field.type);
  const start = `{"data":{"${key}":`;

  return async (context) => {
    try {
      const value = await resolve(undefined, context);
      if (value == null) return isNullable ? `${start}null}}\n` : undefined;
      if (value instanceof Error) return undefined;
      let body = "";
      for (const leaf of leaves) body += (body && ",") + leaf.start + textOf(leaf, value, context);
      return `${start}{${body}}}}\n`;
    } catch {
      return undefined;
    }
  };
}

type Common = Pick<GraphQLResolveInfo, "schema" | "operation" | "fragments" | "rootValue" | "variableValues">;

function compileLeaves(
  parent: GraphQLObjectType,
  { selections }: SelectionSetNode,
  prev: GraphQLResolveInfo["path"],
  common: Common,
): Leaf[] | undefined {
  const leaves = new Map<string, Leaf>();
  for (const node of selections) {
    if (node.kind !== Kind.FIELD) return undefined;
    const { value: name } = node.name;
    const field = name === TypeNameMetaFieldDef.name ? TypeNameMetaFieldDef : parent.getFields()[name];
    const type = field && getNullableType(field.type);
    const key = (node.alias ?? node.name).value;
    if (!isLeafType(type) || !field || !isPlain(node, field) || leaves.has(key)) return undefined;
    const path = { prev, key, typename: parent.name };
    leaves.set(key, {
      start: `"${key}":`,
      resolve: resolverOf(field, { ...common, ...placeOf(node, field, parent), path }),
      type,
      isNullable: !isNonNullType(field.type),
    });
  }
  return [...leaves.values()];
}

function isPlain({ directives }: FieldNode, { args }: GraphQLField<unknown, unknown>): boolean {
  return !directives?.length && args.length === 0;
}

function placeOf(node: FieldNode, field: GraphQLField<unknown, unknown>, parentType: GraphQLObjectType) {
  return { fieldName: field.name, fieldNodes: [node], returnType: field.type, parentType };
}

/** What a resolver is told beside the context is the same each time. */
function resolverOf(
  { resolve = defaultFieldResolver }: GraphQLField<unknown, unknown>,
  info: Pick<
    GraphQLResolveInfo,
    keyof Common | "fieldName" | "fieldNodes" | "returnType" | "parentType" | "path"
  >,
): Resolve {
  return (source, context) => resolve(source, {}, context, info as GraphQLResolveInfo);
}

/** @throws what a field throws, or notPlain */
function textOf({ resolve, type, isNullable }: Leaf, source: unknown, context: Context): string {
  const value = resolve(source, context);
  if (value == null && isNullable) return "null";
  if (value == null || value instanceof Error || value instanceof Promise) throw notPlain;
  const text = JSON.stringify(type.serialize(value) ?? undefined) as string | undefined;
  if (text === undefined) throw notPlain;
  return text;
}

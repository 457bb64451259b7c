import { getNamedType, isInterfaceType, isObjectType, Kind } from "graphql";
import type {
  DocumentNode,
  FieldNode,
  GraphQLField,
  GraphQLNamedType,
  GraphQLSchema,
  NamedTypeNode,
  SelectionSetNode,
} from "graphql";

/** How large an operation is once its fragments are spread out. */
export interface OperationExtent {
  depth: number;
  rootFields: number;
  aliases: number;
  /** Values in the answer: every field counts one, times the sizes of the pages that it lies in. */
  complexity: number;
}

type Type = GraphQLNamedType | null | undefined;
type FieldType = GraphQLField<unknown, unknown> | undefined;

const nothing: OperationExtent = { depth: 0, rootFields: 0, aliases: 0, complexity: 0 };

/** The largest page of any list; what asks for more fails when it runs. */
const largestPage = 100;

/** Each fragment is measured once, however often it is spread: the time goes by the length of the document. */
export function measureOperations(schema: GraphQLSchema, { definitions }: DocumentNode): OperationExtent[] {
  const fragments = new Map<string, OperationExtent>();

  const measure = ({ selections }: SelectionSetNode, parent: Type): OperationExtent =>
    selections
      .map((node) => {
        if (node.kind === Kind.FIELD) return measureField(node, fieldOf(parent, node));
        if (node.kind === Kind.FRAGMENT_SPREAD) return measureFragment(node.name.value);
        return measure(node.selectionSet, node.typeCondition ? typeOf(node.typeCondition) : parent);
      })
      .reduce(sideBySide, nothing);

  const measureField = (node: FieldNode, field: FieldType): OperationExtent => {
    const inner = node.selectionSet ? measure(node.selectionSet, field && getNamedType(field.type)) : nothing;
    return {
      depth: inner.depth + 1,
      rootFields: 1,
      aliases: inner.aliases + (node.alias ? 1 : 0),
      complexity: inner.complexity * pageSize(node, field) + 1,
    };
  };

  const measureFragment = (name: string): OperationExtent => {
    let extent = fragments.get(name);
    if (extent === undefined) {
      // Where it spreads itself it counts for nothing; validation refuses that.
      fragments.set(name, nothing);
      const node = definitions.find(
        (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
      );
      extent =
        node?.kind === Kind.FRAGMENT_DEFINITION
          ? measure(node.selectionSet, typeOf(node.typeCondition))
          : nothing;
      fragments.set(name, extent);
    }
    return extent;
  };

  const typeOf = ({ name }: NamedTypeNode): Type => schema.getType(name.value);

  return definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION
      ? [measure(node.selectionSet, schema.getRootType(node.operation))]
      : [],
  );
}

function sideBySide(one: OperationExtent, other: OperationExtent): OperationExtent {
  return {
    depth: Math.max(one.depth, other.depth),
    rootFields: one.rootFields + other.rootFields,
    aliases: one.aliases + other.aliases,
    complexity: one.complexity + other.complexity,
  };
}

function fieldOf(parent: Type, node: FieldNode): FieldType {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
}

/** How many there may be of what a field holds: its `first`, or the most where a variable says it. */
function pageSize(node: FieldNode, field: FieldType): number {
  const first = field?.args.find(({ name }) => name === "first");
  if (first === undefined) return 1;
  const given = node.arguments?.find(({ name }) => name.value === "first")?.value;
  const size = given?.kind === Kind.INT ? Number(given.value) : given ? NaN : Number(first.defaultValue);
  return size >= 1 && size <= largestPage ? size : largestPage;
}

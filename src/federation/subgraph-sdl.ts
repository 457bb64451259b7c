import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLList,
  GraphQLNonNull,
  GraphQLSchema,
  GraphQLString,
  lexicographicSortSchema,
  print,
  printSchema,
  specifiedDirectives,
} from "graphql";

/** The oldest version that has what is used here, so that every gateway of Federation 2 composes it. */
const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])';

/**
 * Federation's directives, so that tools that know nothing of it can read the schema. Their arguments are of built-in
 * scalars, which composition allows: federation's own would have to be mapped by every client that generates code.
 */
const directives = [
  new GraphQLDirective({
    name: "key",
    description: "The fields by which other subgraphs refer to an entity (Apollo Federation).",
    isRepeatable: true,
    locations: [DirectiveLocation.OBJECT, DirectiveLocation.INTERFACE],
    args: {
      fields: { type: new GraphQLNonNull(GraphQLString) },
      resolvable: { type: GraphQLBoolean, defaultValue: true },
    },
  }),
  new GraphQLDirective({
    name: "shareable",
    description: "What other subgraphs may define as well (Apollo Federation).",
    locations: [DirectiveLocation.OBJECT, DirectiveLocation.FIELD_DEFINITION],
  }),
  new GraphQLDirective({
    name: "link",
    description: "Where directives of the schema are specified (Apollo Federation).",
    isRepeatable: true,
    locations: [DirectiveLocation.SCHEMA],
    args: {
      url: { type: GraphQLString },
      as: { type: GraphQLString },
      import: { type: new GraphQLList(GraphQLString) },
    },
  }),
];

/** The schema as a subgraph of Apollo Federation 2, sorted, without `_entities` and `_service`: composition adds them. */
export function printSubgraph(schema: GraphQLSchema): string {
  const subgraph = new GraphQLSchema({
    ...schema.toConfig(),
    directives: [...specifiedDirectives, ...directives],
  });
  // GraphQL prints no directives of types.
  const text = printSchema(lexicographicSortSchema(subgraph)).replace(
    /^type (\w+)(?= ).*(?= \{$)/gm,
    (type, name) => [type, ...(schema.getType(name)?.astNode?.directives ?? []).map(print)].join(" "),
  );
  return `${link}\n\n${text}\n`;
}

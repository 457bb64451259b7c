import { GraphQLScalarType } from "graphql";
import { createUnionType, Field, ObjectType } from "type-graphql";
import { UserType } from "../accounts/user.type.ts";

/** Whatever was sent, as it was sent: what it must be depends on the entity that it names. */
export const AnyScalar = new GraphQLScalarType<unknown>({
  name: "_Any",
  description:
    'A reference to an entity, as a federation gateway makes it: `{ "__typename": "User", "id": "…" }`.',
});

export const Entity = createUnionType({
  name: "_Entity",
  description: "What other subgraphs can refer to.",
  types: () => [UserType] as const,
  resolveType: (entity: { __typename?: string } & Partial<UserType>) => entity.__typename,
});

@ObjectType("_Service", {
  description: "This service as a subgraph of Apollo Federation 2.",
  simpleResolvers: true,
})
export class ServiceType {
  @Field(() => String, { description: "The subgraph's schema, to be composed with those of others." })
  sdl!: string;
}

import { entitiesResolver } from "@apollo/subgraph";
import { getNamedType, isUnionType } from "graphql";
import type { GraphQLResolveInfo } from "graphql";
import { Arg, Ctx, Info, Query, Resolver } from "type-graphql";
import { InvalidInput } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import type { Context } from "../graphql/context.ts";
import { EntityBudget } from "./entity-budget.ts";
import { AnyScalar, Entity, ServiceType } from "./federation.type.ts";
import { printSubgraph } from "./subgraph-sdl.ts";

/** What Apollo Federation asks of a subgraph: its schema, and its entities by reference. */
@Resolver()
export class FederationResolver {
  private readonly budget = new EntityBudget();
  private sdl: string | undefined;

  @Query(() => ServiceType, {
    name: "_service",
    description: "For federation gateways: the schema of this subgraph. Refused where introspection is.",
  })
  service(@Info() { schema }: GraphQLResolveInfo): ServiceType {
    return { sdl: (this.sdl ??= printSubgraph(schema)) };
  }

  @Query(() => [Entity], {
    name: "_entities",
    nullable: "items",
    description:
      "For federation gateways: the entities that are referred to, in that order, null where there is none. Of a User " +
      "that is not the caller, only `id` and `username` can be read; every other field answers FORBIDDEN.",
  })
  async entities(
    @Arg("representations", () => [AnyScalar], { description: "References, each with the entity's key." })
    representations: unknown[],
    @Ctx() context: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<unknown[]> {
    this.budget.spend(context, representations.length, info);
    // One at a time, so that a bad reference costs the good ones nothing.
    const outcomes = await Promise.allSettled(
      representations.map((reference) => findEntity(reference, context, info)),
    );
    return outcomes.map((outcome) => {
      if (outcome.status === "fulfilled") return outcome.value;
      // What fails for another reason fails for all.
      if (!(outcome.reason instanceof InvalidInput)) throw outcome.reason;
      return this.budget.tellsFault(context) ? outcome.reason : null;
    });
  }
}

/** @throws InvalidInput at a bad reference */
async function findEntity(reference: unknown, context: Context, info: GraphQLResolveInfo): Promise<unknown> {
  if (!namesEntity(reference, info))
    throw new InvalidInput({ representations: [FieldError.of("REFERENCE_INVALID")] });
  const [entity] = entitiesResolver({ representations: [reference], context, info }) as unknown[];
  return entity;
}

function namesEntity(reference: unknown, { schema, returnType }: GraphQLResolveInfo): boolean {
  const { __typename } = (reference ?? {}) as { __typename?: unknown };
  const entity = getNamedType(returnType);
  return isUnionType(entity) && schema.getPossibleTypes(entity).some(({ name }) => name === __typename);
}

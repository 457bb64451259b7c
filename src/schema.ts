import "reflect-metadata";
import { addResolversToSchema } from "@apollo/subgraph";
import type { GraphQLSchema } from "graphql";
import { buildSchemaSync } from "type-graphql";
import type { ContainerType } from "type-graphql";
import { AccountResolver } from "./accounts/account.resolver.ts";
import { hidePrivateUserFields } from "./accounts/user-visibility.ts";
import { SecurityEventsResolver } from "./events/security-events.resolver.ts";
import { FederationResolver } from "./federation/federation.resolver.ts";
import { hideFederation } from "./federation/hidden-federation.ts";
import { resolveUserReference } from "./federation/user-reference.ts";
import { requireCaller } from "./graphql/authorization.ts";
import { checkMutationArguments } from "./graphql/check-arguments.middleware.ts";
import { FieldErrorCodesResolver } from "./graphql/field-error-codes.resolver.ts";
import { DeviceResolver } from "./sessions/device.resolver.ts";
import { SessionListResolver } from "./sessions/session-list.resolver.ts";
import { SessionResolver } from "./sessions/session.resolver.ts";

/** The table of contents of the API. */
export const resolvers = [
  AccountResolver,
  SessionResolver,
  SessionListResolver,
  DeviceResolver,
  SecurityEventsResolver,
  FieldErrorCodesResolver,
  FederationResolver,
] as const;

/** The public schema. The container makes it executable; without one it can be printed and introspected only. */
export function buildGatehouseSchema(container?: ContainerType): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [...resolvers],
    authChecker: requireCaller,
    globalMiddlewares: [checkMutationArguments],
    validate: false,
    // Whoever prints it has it checked: the tests do, before there is a release.
    skipCheck: container !== undefined,
    ...(container && { container }),
  });
  for (const [type, description] of [
    [schema.getQueryType(), "What can be asked. Nothing here changes anything."],
    [
      schema.getMutationType(),
      "What can be done. Several in one operation run one after the other, in order; of those that take a password or " +
        "a refresh token, a request has MAX_CREDENTIAL_OPERATIONS at most: one, unless set. Too many attempts give " +
        "TOO_MANY_REQUESTS, with `retryAfter` in seconds.",
    ],
  ] as const)
    if (type) type.description = description;
  hidePrivateUserFields(schema);
  addResolversToSchema(schema, { User: { __resolveReference: resolveUserReference } });
  hideFederation(schema);
  return schema;
}

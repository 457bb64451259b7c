import { assertObjectType, defaultFieldResolver } from "graphql";
import type { GraphQLSchema } from "graphql";
import { Forbidden } from "../errors.ts";
import type { UserType } from "./user.type.ts";

/** What everybody may read of a user. Every other field, with those yet to come, is for the user alone. */
const publicFields = new Set(["id", "username"]);

export function isPublicField(name: string): boolean {
  return publicFields.has(name);
}

const own = Symbol("own session");

/**
 * Says that this user is handed to nobody but themselves, so that every field of it can be read.
 * @param sessionId the session by which they look
 */
export function forOwner<TUser extends UserType>(user: TUser, sessionId: string): TUser {
  (user as { [own]?: string })[own] = sessionId;
  return user;
}

/** The session by which a user looks at themselves. @throws Forbidden when somebody else may be looking */
export function ownSessionOf(user: object): string {
  const sessionId = (user as { [own]?: string })[own];
  if (sessionId === undefined)
    throw new Forbidden("Only the user can read this field: ask for id and username.");
  return sessionId;
}

/** The rule of who reads what of a User, wherever in the schema it is found; it holds unless `forOwner` says otherwise. */
export function hidePrivateUserFields(schema: GraphQLSchema): void {
  for (const field of Object.values(assertObjectType(schema.getType("User")).getFields())) {
    if (isPublicField(field.name)) continue;
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (user: object, args, context, info) => {
      ownSessionOf(user);
      return resolve(user, args, context, info);
    };
  }
}

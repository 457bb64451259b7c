import { assertObjectType, defaultFieldResolver } from "graphql";
import type { GraphQLSchema } from "graphql";
import { Forbidden } from "../errors.ts";
import type { UserType } from "./user.type.ts";

/** What everybody may read of a user. Every other field, with those yet to come, is for the user alone. */
const publicFields = new Set(["id", "username"]);

const own = Symbol("own");

/** Says that this user is handed to nobody but themselves, so that every field of it can be read. */
export function forOwner<TUser extends UserType>(user: TUser): TUser {
  (user as { [own]?: true })[own] = true;
  return user;
}

/** The rule of who reads what of a User, wherever in the schema it is found; it holds unless `forOwner` says otherwise. */
export function hidePrivateUserFields(schema: GraphQLSchema): void {
  for (const field of Object.values(assertObjectType(schema.getType("User")).getFields())) {
    if (publicFields.has(field.name)) continue;
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (user: object, args, context, info) => {
      if (!(own in user)) throw new Forbidden("Only the user can read this field: ask for id and username.");
      return resolve(user, args, context, info);
    };
  }
}

import { UserDirectory } from "../accounts/user-directory.service.ts";
import type { PublicUser } from "../accounts/user-directory.service.ts";
import type { UserType } from "../accounts/user.type.ts";
import { InvalidInput, Unauthenticated } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import type { Context } from "../graphql/context.ts";
import type { Caller } from "../sessions/caller.ts";

/**
 * The user that another subgraph refers to: whole for the user themselves, else as everybody may see them. Null when
 * there is none of that id.
 * @throws InvalidInput when the reference has no id
 */
export async function resolveUserReference(
  { id }: Record<string, unknown>,
  context: Context<Caller>,
): Promise<UserType | PublicUser | null> {
  if (typeof id !== "string")
    throw new InvalidInput({ representations: [FieldError.of("REFERENCE_ID_INVALID")] });
  const caller = await callerOf(context);
  // A copy, because the type's name is written into it, and the caller's user is shared between requests.
  return caller?.user.id === id.toLowerCase()
    ? { ...caller.user }
    : context.service(UserDirectory).find(id, context);
}

/** Whoever calls may see what is public, so a missing or bad token is no failure here. */
function callerOf(context: Context<Caller>): Promise<Caller | undefined> {
  return context.caller().catch((error: unknown) => {
    if (error instanceof Unauthenticated) return undefined;
    throw error;
  });
}

import type { Gateway, GraphqlAnswer } from "./gateway.ts";

export interface Tokens {
  token: string;
  refreshToken: string;
}

/** Registers an account that must be made. */
export async function register(gateway: Gateway, input: Record<string, unknown>): Promise<Tokens> {
  const answer = await gateway.graphql(
    "mutation ($input: RegisterInput!) { register(input: $input) { token refreshToken } }",
    { input },
  );
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data.register as Tokens;
}

/** The map of field errors of an answer that must have exactly one entry. */
export function errorsOf({ errors }: GraphqlAnswer): Record<string, string[]> {
  const [entry, ...more] = errors ?? [];
  if (entry?.extensions.code !== "BAD_USER_INPUT" || more.length > 0)
    throw new Error(JSON.stringify(errors ?? null));
  return entry.extensions.errors as Record<string, string[]>;
}

/** The UNAUTHENTICATED reason of an answer that must have exactly one entry. */
export function reasonOf({ errors }: GraphqlAnswer): string {
  const [entry, ...more] = errors ?? [];
  if (entry?.extensions.code !== "UNAUTHENTICATED" || more.length > 0)
    throw new Error(JSON.stringify(errors ?? null));
  return entry.extensions.reason as string;
}

import type { Gateway, GraphqlAnswer } from "../support/gateway.ts";

export interface Account {
  id: string;
  username: string;
  email: string;
  token: string;
}

/** Registers an account of that name. */
export async function account(gateway: Gateway, username: string): Promise<Account> {
  const input = { email: `${username}@example.com`, username, password: "correct horse", fullName: username };
  const { data, errors } = await gateway.graphql(
    "mutation ($input: RegisterInput!) { register(input: $input) { token user { id username email } } }",
    { input },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  return { ...data.register.user, token: data.register.token };
}

export const reference = (id: unknown) => ({ __typename: "User", id });

/** Asks for entities as a federation gateway does. */
export function entities(
  gateway: Gateway,
  representations: unknown,
  selection = "{ __typename ... on User { id username } }",
  authorization?: string,
): Promise<GraphqlAnswer> {
  return gateway.graphql(
    `query ($representations: [_Any!]!) { _entities(representations: $representations) ${selection} }`,
    { representations },
    authorization,
  );
}

/** Code and path of every error of an answer. */
export const codes = ({ errors }: GraphqlAnswer) =>
  (errors ?? []).map(({ extensions, path }) => [extensions.code, path?.join(".")]);

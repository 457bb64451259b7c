import { expect } from "@jest/globals";
import type { Gateway } from "./gateway.ts";

const ask = async (replica: Gateway, text: string, variables = {}, token?: string) => {
  const { data, errors } = await replica.graphql(text, variables, token && `Token ${token}`);
  expect(errors).toBeUndefined();
  return data;
};

/** Registers, signs in, refreshes, reads, and signs out, on one gateway; each is seen by the other at once. */
export async function liveThroughSession(gateway: Gateway, other: Gateway, username = "ada"): Promise<void> {
  const password = "correct horse battery";
  await ask(gateway, "mutation ($input: RegisterInput!) { register(input: $input) { token } }", {
    input: { email: `${username}@example.com`, username, password },
  });
  const { login } = await ask(
    gateway,
    "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }",
    {
      input: { username, password },
    },
  );
  const { refreshToken: pair } = await ask(
    other,
    "mutation ($refreshToken: JWT!) { refreshToken(refreshToken: $refreshToken) { token } }",
    { refreshToken: login.refreshToken },
  );
  const me = "{ me { username } }";
  for (const replica of [gateway, other, gateway, other])
    expect(await ask(replica, me, {}, pair.token)).toEqual({ me: { username } });
  expect(await ask(gateway, "mutation { logout { revokedSessions } }", {}, pair.token)).toEqual({
    logout: { revokedSessions: 1 },
  });
  for (const replica of [gateway, other]) {
    const { errors } = await replica.graphql(me, {}, `Token ${pair.token}`);
    expect(errors?.[0].extensions.reason).toBe("TOKEN_REVOKED");
  }
}

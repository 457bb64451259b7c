/** What a sign-in was answered. */
export interface Answer {
  isSignedIn: boolean;
  /** The password was tried and is wrong. */
  isWrong: boolean;
  /** Seconds, when it was not tried because there were too many attempts. Unset also where the gateway was busy. */
  retryAfter: number | undefined;
}

/** Signs in by email or username, by way of a proxy that says from where. @param name an email when it has an @ */
export async function signInFrom(
  url: string,
  address: string,
  name: string,
  password: string,
): Promise<Answer> {
  const input = { [name.includes("@") ? "email" : "username"]: name, password };
  const query = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": address },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const { errors } = (await answer.json()) as {
    errors?: { extensions: { code: string; retryAfter?: number } }[];
  };
  const failure = errors?.[0]?.extensions;
  if (failure && failure.code !== "BAD_USER_INPUT" && failure.retryAfter === undefined)
    throw new Error(`a sign-in was answered ${failure.code}`);
  return {
    isSignedIn: errors === undefined,
    isWrong: failure?.code === "BAD_USER_INPUT",
    retryAfter: failure?.code === "TOO_MANY_REQUESTS" ? failure.retryAfter : undefined,
  };
}

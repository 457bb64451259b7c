import type { Gateway } from "./gateway.ts";

/** Whoever asks comes by a proxy that says from where. */
export const throttled = { RATE_LIMIT: "on", MAX_CREDENTIAL_OPERATIONS: "1", TRUST_PROXY: "1" };

export interface Outcome {
  /** `extensions.code` of the first error; "OK" when there is none. */
  code: string;
  message: string | undefined;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  extensions: any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
  status: number;
  /** The header. */
  retryAfter: string | null;
}

/** Sends an operation from an address. */
export async function sendFrom(
  { url }: Pick<Gateway, "url">,
  address: string,
  query: string,
  variables: object = {},
  token?: string,
): Promise<Outcome> {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-forwarded-for": address,
      ...(token !== undefined && { authorization: `Token ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as {
    data: unknown;
    errors?: { message: string; extensions: { code: string } }[];
  };
  const [first] = errors ?? [];
  return {
    code: first?.extensions.code ?? "OK",
    message: first?.message,
    extensions: first?.extensions,
    data,
    status: answer.status,
    retryAfter: answer.headers.get("retry-after"),
  };
}

const loginDocument =
  "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken user { username } } }";

/** @param name an email when it has an @ */
export function signInFrom(
  gateway: Pick<Gateway, "url">,
  address: string,
  name: string,
  password = "a wrong password",
): Promise<Outcome> {
  const input = { [name.includes("@") ? "email" : "username"]: name, password };
  return sendFrom(gateway, address, loginDocument, { input });
}

export const registerDocument =
  "mutation ($input: RegisterInput!) { register(input: $input) { token refreshToken } }";

/** Makes an account `name`, from an address of its own. */
export async function accountOf(gateway: Gateway, name: string, address: string) {
  const input = { email: `${name}@example.com`, username: name, password };
  const { data, message } = await sendFrom(gateway, address, registerDocument, { input });
  if (message !== undefined) throw new Error(message);
  return data.register as { token: string; refreshToken: string };
}

export const password = "correct horse battery";

export interface Count {
  kind: string;
  points: number;
  /** Until the count ends. */
  seconds: number;
}

/** The counts in the table, but for those that only make others longer. */
export function counts(gateway: Gateway): Promise<Count[]> {
  return gateway.sql(
    `select split_part(key, ':', 1) as kind, points,
       round(expire / 1000.0 - extract(epoch from now()))::int as seconds
     from attempts where key not like '%strikes' order by 1, 2`,
  ) as unknown as Promise<Count[]>;
}

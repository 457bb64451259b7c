import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { startGateway, startReplica } from "./support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "./support/gateway.ts";
import { errorsOf, reasonOf, register } from "./support/operations.ts";
import type { Tokens } from "./support/operations.ts";
import { until } from "./support/until.ts";

let gateway: Gateway;
/** Another replica on the same database. */
let other: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
  other = await startReplica(gateway);
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const bob = { email: "bob@example.com", username: "bob", password: "correct horse battery" };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
});

const idOf = ({ token }: Pick<Tokens, "token">) => decodeJwt<{ sid: string }>(token).sid;
const login = async (): Promise<Tokens> => {
  const { data } = await gateway.graphql(
    "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }",
    { input: { username: "ada", password: ada.password } },
  );
  return data.login as Tokens;
};
const fields = "id current createdAt lastUsedAt expiresAt revokedAt ip userAgent device";
const connection = `edges { cursor node { ${fields} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;
const sessions = async (variables: object, { token }: Pick<Tokens, "token"> = tokens) =>
  gateway.graphql(
    `query ($first: Int! = 20, $after: String) { me { sessions(first: $first, after: $after) { ${connection} } } }`,
    variables,
    `Token ${token}`,
  );
const listed = async (by: Pick<Tokens, "token"> = tokens): Promise<string[]> =>
  (await sessions({}, by)).data.me.sessions.edges.map(({ node }: { node: { id: string } }) => node.id);
const revoke = (id: string, { token }: Pick<Tokens, "token"> = tokens, at = gateway) =>
  at.graphql(
    `mutation ($id: ID!) { revokeSession(id: $id) { session { ${fields} } } }`,
    { id },
    `Token ${token}`,
  );
const me = ({ token }: Pick<Tokens, "token">, at = gateway) =>
  at.graphql("{ me { username } }", {}, `Token ${token}`);
const reasons = () =>
  gateway.sql("select id, revoked_reason from sessions where revoked_at is not null order by id");

/** A request for so many pages of 100. */
const askFor = (pages: number) => {
  const aliases = Array.from({ length: pages }, (_, index) => `s${index}: sessions(first: 100) { ...c }`);
  return gateway.graphql(
    `{ me { ${aliases.join(" ")} } } fragment c on SessionConnection { edges { cursor } }`,
    {},
    `Token ${tokens.token}`,
  );
};
/** A request for so many pages of one. */
const askForSmall = (pages: number) => {
  const user = { __typename: "User", id: decodeJwt(tokens.token).sub };
  return gateway.graphql(
    `query ($users: [_Any!]!) {
      _entities(representations: $users) { ... on User { sessions(first: 1) { edges { cursor } } } }
    }`,
    { users: Array.from({ length: pages }, () => user) },
    `Token ${tokens.token}`,
  );
};

describe("me.sessions", () => {
  it("shows where and when one signed in, and with what (ASVS V7.5.2)", async () => {
    const firefox = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:120.0) Gecko/20100101 Firefox/120.0";
    const signIn = await fetch(`${gateway.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": firefox },
      body: JSON.stringify({
        query: `mutation { login(input: { username: "ada", password: "${ada.password}" }) { token } }`,
      }),
    });
    const { data } = (await signIn.json()) as { data: { login: { token: string } } };
    const { edges } = (await sessions({}, data.login)).data.me.sessions;
    expect(edges).toHaveLength(2);
    const [{ node }] = edges;
    expect(node).toEqual({
      id: idOf(data.login),
      current: true,
      createdAt: expect.any(String),
      lastUsedAt: node.createdAt,
      expiresAt: new Date(Date.parse(node.createdAt) + 60 * 86_400_000).toISOString(),
      revokedAt: null,
      ip: "127.0.0.1",
      userAgent: firefox,
      device: "Firefox on macOS",
    });
    expect(edges[1].node).toMatchObject({ id: idOf(tokens), current: false });
  });

  it("has the current one first, then the newest sign-in first, page by page", async () => {
    const others: string[] = [];
    for (let count = 0; count < 5; count++) others.unshift(idOf(await login()));
    const all = [idOf(tokens), ...others];
    expect(await listed()).toEqual(all);

    const seen: string[] = [];
    let after: string | null = null;
    for (const [size, hasNextPage] of [
      [1, true],
      [2, true],
      [3, false],
    ] as const) {
      const answer: GraphqlAnswer = await sessions({ first: size, after });
      const { edges, pageInfo } = answer.data.me.sessions;
      seen.push(...edges.map((edge: { node: { id: string } }) => edge.node.id));
      expect(pageInfo).toEqual({
        hasNextPage,
        hasPreviousPage: after !== null,
        startCursor: edges[0].cursor,
        endCursor: edges.at(-1).cursor,
      });
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(all);
    expect((await sessions({ after })).data.me.sessions).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
  });

  it("goes on after a session that has ended meanwhile", async () => {
    const [second, third] = [await login(), await login()];
    const { pageInfo } = (await sessions({ first: 2 })).data.me.sessions;
    await revoke(idOf(third));
    const { edges } = (await sessions({ after: pageInfo.endCursor })).data.me.sessions;
    expect(edges.map((edge: { node: { id: string } }) => edge.node.id)).toEqual([idOf(second)]);
  });

  it("has live ones only, and nobody else's", async () => {
    const [expired, ended, alive] = [await login(), await login(), await login()];
    const stranger = await register(gateway, bob);
    await gateway.sql("update sessions set expires_at = now() where id = $1", [idOf(expired)]);
    await revoke(idOf(ended));
    expect(await listed()).toEqual([idOf(tokens), idOf(alive)]);
    expect(await listed(stranger)).toEqual([idOf(stranger)]);
  });

  it.each([
    [{ first: 0 }, { first: ["Ensure this value is greater than or equal to 1."] }],
    [{ first: 101 }, { first: ["Ensure this value is less than or equal to 100."] }],
    [
      { first: -5, after: "x" },
      { first: ["Ensure this value is greater than or equal to 1."], after: ["Invalid cursor"] },
    ],
    [{ after: "" }, { after: ["Invalid cursor"] }],
    [{ after: "018f0000-0000-7000-8000-000000000000" }, { after: ["Invalid cursor"] }],
    [
      { after: `${Buffer.from("018f0000-0000-7000-8000-000000000000").toString("base64url")}=` },
      { after: ["Invalid cursor"] },
    ],
    [{ after: Buffer.from("' or true; --").toString("base64url") }, { after: ["Invalid cursor"] }],
    [{ after: "x".repeat(50_000) }, { after: ["Invalid cursor"] }],
  ])("refuses a page %j", async (page, errors) => {
    const answer = await sessions(page);
    expect(errorsOf(answer)).toEqual(errors);
    expect(answer.errors?.[0].path).toEqual(["me", "sessions"]);
  });

  it("takes a page of 100, and a thousand sessions a request (ASVS V2.2.1)", async () => {
    expect((await sessions({ first: 100 })).errors).toBeUndefined();
    expect((await askFor(10)).errors).toBeUndefined();
    expect(errorsOf(await askFor(11))).toEqual({ first: ["Ask for less at once: 1000 sessions at most."] });
  });

  it("takes fifty pages a request, however small they are", async () => {
    expect((await askForSmall(50)).errors).toBeUndefined();
    expect(errorsOf(await askForSmall(51))).toEqual({
      first: ["Ask for less at once: 1000 sessions at most."],
    });
  });

  it("can be asked for with the sign-in, whatever the header says", async () => {
    const stranger = await register(gateway, bob);
    for (const [operation, input] of [
      ["login", { username: "ada", password: ada.password }],
      ["register", { ...ada, email: "c@example.com", username: "c" }],
    ] as const) {
      const type = operation === "login" ? "LoginInput" : "RegisterInput";
      const { data } = await gateway.graphql(
        `mutation ($input: ${type}!) {
          ${operation}(input: $input) { token user { username sessions { edges { node { id current } } } } }
        }`,
        { input },
        `Token ${stranger.token}`,
      );
      const { user, token } = data[operation];
      expect(user.username).toBe(input.username);
      expect(user.sessions.edges[0].node).toEqual({ id: idOf({ token }), current: true });
      expect(user.sessions.edges).toHaveLength(operation === "login" ? 2 : 1);
    }
    const updated = await gateway.graphql(
      'mutation { updateUser(input: { fullName: "Ada" }) { user { sessions(first: 1) { edges { node { id } } } } } }',
      {},
      `Token ${tokens.token}`,
    );
    expect(updated.data.updateUser.user.sessions.edges).toEqual([{ node: { id: idOf(tokens) } }]);
    const refreshed = await gateway.graphql(
      "mutation ($t: JWT!) { refreshToken(refreshToken: $t) { user { sessions(first: 1) { edges { node { id } } } } } }",
      { t: tokens.refreshToken },
    );
    expect(refreshed.data.refreshToken.user.sessions.edges).toEqual([{ node: { id: idOf(tokens) } }]);
  });

  it("is no business of others (ASVS V8.2.2)", async () => {
    const stranger = await register(gateway, bob);
    const user = { __typename: "User", id: decodeJwt(tokens.token).sub };
    const ask = (token: string) =>
      gateway.graphql(
        "query ($user: _Any!) { _entities(representations: [$user]) { ... on User { id sessions { edges { cursor } } } } }",
        { user },
        token,
      );
    const { errors } = await ask(`Token ${stranger.token}`);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["FORBIDDEN"]);
    const own = await ask(`Token ${tokens.token}`);
    expect(own.data._entities[0].sessions.edges).toHaveLength(1);
  });
});

describe("revokeSession", () => {
  it("ends a session at its next request, on every replica, and answers with it (ASVS V7.5.2, V10.4.9)", async () => {
    const second = await login();
    const { data, errors } = await revoke(idOf(second));
    expect(errors).toBeUndefined();
    const { session } = data.revokeSession;
    expect(session).toMatchObject({ id: idOf(second), current: false, revokedAt: expect.any(String) });
    expect(reasonOf(await me(second))).toBe("TOKEN_REVOKED");
    // The other one may still have it in memory for a moment.
    await until(async () => (await me(second, other)).errors !== undefined, 5_000);
    expect(reasonOf(await me(second, other))).toBe("TOKEN_REVOKED");
    expect((await me(tokens)).errors).toBeUndefined();
    expect(await reasons()).toEqual([{ id: idOf(second), revoked_reason: "revoked_by_user" }]);
    expect(await listed()).toEqual([idOf(tokens)]);

    const again = await revoke(idOf(second), tokens, other);
    expect(again).toMatchObject({ data: { revokeSession: { session } } });
    expect(again.errors).toBeUndefined();
  });

  it("ends the current session, too", async () => {
    const { data } = await revoke(idOf(tokens).toUpperCase());
    expect(data.revokeSession.session).toMatchObject({ id: idOf(tokens), current: true });
    expect(reasonOf(await me(tokens))).toBe("TOKEN_REVOKED");
    expect(reasonOf(await revoke(idOf(tokens)))).toBe("TOKEN_REVOKED");
  });

  it("knows no session but the user's own (ASVS V8.2.2)", async () => {
    const stranger = await register(gateway, bob);
    for (const id of [idOf(stranger), "018f0000-0000-7000-8000-000000000000", "x", "", "' or true; --"]) {
      const answer = await revoke(id);
      expect(answer.data).toBeNull();
      expect(answer.errors).toEqual([
        expect.objectContaining({
          message: "No session of yours has this id.",
          path: ["revokeSession"],
          extensions: { code: "NOT_FOUND" },
        }),
      ]);
    }
    expect((await me(stranger)).errors).toBeUndefined();
    expect(await reasons()).toEqual([]);
  });

  it("needs a live session and an id", async () => {
    expect(reasonOf(await gateway.graphql('mutation { revokeSession(id: "x") { session { id } } }'))).toBe(
      "TOKEN_MISSING",
    );
    const answer = await gateway.graphql(
      "mutation { revokeSession { session { id } } }",
      {},
      `Token ${tokens.token}`,
    );
    expect(errorsOf(answer)).toEqual({ id: ["This field is required."] });
  });

  it("does nothing for a session that has ended in the same request", async () => {
    const second = await login();
    const answer = await gateway.graphql(
      "mutation ($id: ID!) { logout { revokedSessions } revokeSession(id: $id) { session { id } } }",
      { id: idOf(second) },
      `Token ${tokens.token}`,
    );
    expect(reasonOf(answer)).toBe("TOKEN_REVOKED");
    expect((await me(second)).errors).toBeUndefined();
  });

  it("answers two at once alike", async () => {
    const second = await login();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => revoke(idOf(second), tokens, index % 2 ? other : gateway)),
    );
    expect(answers.filter(({ errors }) => errors)).toEqual([]);
    const texts = answers.map(({ data }) => JSON.stringify(data));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).not.toContain('"revokedAt":null');
  });

  it("beats a refresh at the same time, or ends what it made", async () => {
    for (let round = 0; round < 10; round++) {
      const second = await login();
      const [refreshed] = await Promise.all([
        other.graphql("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }", {
          t: second.refreshToken,
        }),
        revoke(idOf(second)),
      ]);
      const newest = refreshed.errors ? second : (refreshed.data.refreshToken as Tokens);
      expect(reasonOf(await me(newest))).toBe("TOKEN_REVOKED");
    }
  });
});

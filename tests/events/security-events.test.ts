import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { errorsOf, register } from "../support/operations.ts";
import type { Tokens } from "../support/operations.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
let tokens: Tokens;
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  tokens = await register(gateway, ada);
});

const login = (password = ada.password) =>
  gateway.graphql("mutation ($input: LoginInput!) { login(input: $input) { token } }", {
    input: { username: "ada", password },
  });
const fields = "type outcome cause actor occurredAt sessionId ip userAgent";
const page = (variables: object = {}, { token } = tokens) =>
  gateway.graphql(
    `query ($first: Int! = 20, $after: String) {
      me { securityEvents(first: $first, after: $after) {
        edges { cursor node { ${fields} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      } }
    }`,
    variables,
    `Token ${token}`,
  );
const listed = async (by = tokens): Promise<string[]> =>
  (await page({}, by)).data.me.securityEvents.edges.map(({ node }: { node: { type: string } }) => node.type);

/** A request for so many pages of 100. */
const askFor = (pages: number) => {
  const aliases = Array.from(
    { length: pages },
    (_, index) => `e${index}: securityEvents(first: 100) { ...c }`,
  );
  const text = `{ me { ${aliases.join(" ")} } } fragment c on SecurityEventConnection { edges { cursor } }`;
  return gateway.graphql(text, {}, `Token ${tokens.token}`);
};

describe("me.securityEvents", () => {
  it("says what happened, when, from where and in which session, the newest first", async () => {
    await login("wrong horse battery");
    const { data, errors } = await page();
    expect(errors).toBeUndefined();
    const here = { ip: "127.0.0.1", userAgent: "node", actor: "USER", occurredAt: expect.any(String) };
    const { sid: sessionId } = decodeJwt<{ sid: string }>(tokens.token);
    expect(data.me.securityEvents.edges.map(({ node }: { node: object }) => node)).toEqual([
      { ...here, type: "SIGN_IN_FAILED", outcome: "FAILURE", cause: "WRONG_PASSWORD", sessionId: null },
      { ...here, type: "SIGNED_IN", outcome: "SUCCESS", cause: null, sessionId },
      { ...here, type: "SIGNED_UP", outcome: "SUCCESS", cause: null, sessionId },
    ]);
  });

  it("goes on page by page, also while new events come", async () => {
    await login("wrong horse battery");
    const first = (await page({ first: 1 })).data.me.securityEvents;
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: first.edges[0].cursor,
      endCursor: first.edges[0].cursor,
    });
    await login("wrong horse battery");
    const rest = (await page({ after: first.pageInfo.endCursor })).data.me.securityEvents;
    expect(rest.edges.map(({ node }: { node: { type: string } }) => node.type)).toEqual([
      "SIGNED_IN",
      "SIGNED_UP",
    ]);
    expect(rest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });

  it("is the user's own, whoever asks for the user", async () => {
    const bob = await register(gateway, {
      email: "bob@example.com",
      username: "bob",
      password: ada.password,
    });
    await login("wrong horse battery");
    expect(await listed(bob)).toEqual(["SIGNED_IN", "SIGNED_UP"]);
    const { data, errors } = await gateway.graphql(
      `query ($user: _Any!) {
        _entities(representations: [$user]) { ... on User { securityEvents { edges { cursor } } } }
      }`,
      { user: { __typename: "User", id: decodeJwt(tokens.token).sub } },
      `Token ${bob.token}`,
    );
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["FORBIDDEN"]);
    expect(JSON.stringify(data)).not.toContain("cursor");
  });

  it("shows what an operator does, but not who it is; and no event of a newer version", async () => {
    const { sub } = decodeJwt(tokens.token);
    await gateway.sql(
      `insert into auth_events (type, outcome, user_id, actor, user_agent)
       values ('SUPERUSER_CREATED', 'success', $1, 'operator', 'root@machine'), ('ABDUCTED', 'success', $1, 'user', null)`,
      [sub],
    );
    const { data, errors } = await page({ first: 1 });
    expect(errors).toBeUndefined();
    expect(data.me.securityEvents.edges[0].node).toMatchObject({
      actor: "OPERATOR",
      userAgent: null,
      ip: null,
    });
    expect(await listed()).toEqual(["SUPERUSER_CREATED", "SIGNED_IN", "SIGNED_UP"]);
  });

  it("gives each event an id that is the same on every replica, and tells nothing of how many there are", async () => {
    await login("wrong horse battery");
    const text = "{ me { id securityEvents { edges { cursor node { id } } } } }";
    const ask = async (from: Gateway) => (await from.graphql(text, {}, `Token ${tokens.token}`)).data.me;
    const { id: userId, securityEvents } = await ask(gateway);
    const ids = securityEvents.edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(ids).toEqual(Array(3).fill(expect.stringMatching(/^security_event_[\da-f]{32}$/)));
    expect(new Set(ids).size).toBe(3);

    const replica = await startReplica(gateway, {
      ENCRYPTION_KEY: `${"put first ".repeat(4)},${gateway.jwtSecret}`,
    });
    const asked = await ask(replica);
    await replica.close();
    expect(asked.securityEvents).toEqual(securityEvents);

    const rows = await gateway.sql<{ id: string }>("select id from auth_events where user_id = $1", [userId]);
    for (const { cursor, node } of securityEvents.edges)
      for (const { id } of rows)
        for (const shown of [cursor, node.id, Buffer.from(cursor, "base64url").toString()])
          expect([shown, shown.slice("security_event_".length)]).not.toContain(id);
  });

  it.each([
    "0",
    "5",
    "security_event_",
    `security_event_${"0".repeat(32)}`,
    `session_${"0".repeat(32)}`,
    `security_event_${"0".repeat(33)}`,
  ])("takes no cursor that it did not give: %s", async (key) => {
    const after = Buffer.from(key).toString("base64url");
    expect(errorsOf(await page({ after }))).toEqual({ after: ["Invalid cursor"] });
  });

  it.each([
    [{ first: 0 }, { first: ["Ensure this value is greater than or equal to 1."] }],
    [{ first: 101 }, { first: ["Ensure this value is less than or equal to 100."] }],
    [{ after: "" }, { after: ["Invalid cursor"] }],
    ...[
      "0",
      "01",
      "-1",
      "1e3",
      "9223372036854775808",
      "' or true; --",
      "018f0000-0000-7000-8000-000000000000",
    ].map(
      (key) => [{ after: Buffer.from(key).toString("base64url") }, { after: ["Invalid cursor"] }] as const,
    ),
  ])("refuses a page %j", async (variables, errors) => {
    expect(errorsOf(await page(variables))).toEqual(errors);
  });

  it("gives a thousand in one request at most", async () => {
    expect((await askFor(10)).errors).toBeUndefined();
    expect(errorsOf(await askFor(11))).toEqual({
      first: ["Ask for less at once: 1000 security events at most."],
    });
  });

  it("is found by its index, however many events there are", async () => {
    const { sub } = decodeJwt(tokens.token);
    await gateway.sql(`insert into auth_events (type, outcome, user_id)
      select 'SIGNED_IN', 'success', gen_random_uuid() from generate_series(1, 20000)`);
    await gateway.sql("analyze auth_events");
    const plan = await gateway.sql(
      `explain select id from auth_events where user_id = $1 and id < 9223372036854775807
        and type = any(cast('{SIGNED_IN,SIGNED_UP}' as text[])) order by id desc limit 21`,
      [sub],
    );
    expect(JSON.stringify(plan)).toContain("auth_events_user_id_id_index");
    const known = await gateway.sql(
      `explain select exists (select from auth_events
        where user_id = $1 and ip = '127.0.0.1' and type = 'SIGNED_IN' and outcome = 'success')`,
      [sub],
    );
    expect(JSON.stringify(known)).toContain("auth_events_signed_in_index");
  });
});

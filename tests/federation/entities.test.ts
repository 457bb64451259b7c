import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { createDatabase, dropDatabase } from "../support/database.ts";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { startStatementRelay } from "../support/statement-relay.ts";
import type { StatementRelay } from "../support/statement-relay.ts";
import { account, codes, entities, reference } from "./references.ts";
import type { Account } from "./references.ts";
import { until } from "../support/until.ts";

let databaseUrl: string;
let relay: StatementRelay;
let gateway: Gateway;
let ada: Account;
let bob: Account;

beforeAll(async () => {
  databaseUrl = await createDatabase();
  relay = await startStatementRelay(databaseUrl);
  gateway = await startGateway({ DATABASE_URL: relay.url });
  ada = await account(gateway, "ada");
  bob = await account(gateway, "bob");
});
afterAll(async () => {
  await gateway.close();
  await relay.close();
  await dropDatabase(databaseUrl);
});
beforeEach(() => void relay.statements.splice(0));

/** As many fields of a user. */
const fields = (count: number) =>
  `{ ... on User { ${Array.from({ length: count }, (_, index) => `a${index}: username`).join(" ")} } }`;
const shown = ({ id, username }: Account) => ({ __typename: "User", id, username });
const invalid = (fault: string) => ({
  message: `representations: ${fault}`,
  extensions: expect.objectContaining({ code: "BAD_USER_INPUT", errors: { representations: [fault] } }),
});

describe("users by reference", () => {
  it("come in the order of the references, null where there is none", async () => {
    const unknown = randomUUID();
    const asked = [bob.id, unknown, ada.id, bob.id, "no uuid", "", ada.id.toUpperCase(), `${ada.id}\0`];
    const { status, data, errors } = await entities(gateway, asked.map(reference));
    expect(errors).toBeUndefined();
    expect(status).toBe(200);
    expect(data._entities).toEqual([shown(bob), null, shown(ada), shown(bob), null, null, shown(ada), null]);
  });

  it("cost one query a batch, however many there are", async () => {
    const ids = [...Array.from({ length: 500 }, () => randomUUID()), ada.id, bob.id];
    const { data } = await entities(gateway, ids.map(reference));
    expect(data._entities.slice(-2)).toEqual([shown(ada), shown(bob)]);
    expect(relay.statements).toEqual([expect.stringMatching(/^select id, username from users where/)]);
  });

  it("cost one query for several lists of one request", async () => {
    const { data } = await gateway.graphql(
      `query ($first: [_Any!]!, $second: [_Any!]!) {
        first: _entities(representations: $first) { ... on User { username } }
        second: _entities(representations: $second) { ... on User { username } }
      }`,
      { first: [reference(ada.id)], second: [reference(bob.id), reference(ada.id)] },
    );
    expect(data).toEqual({
      first: [{ username: "ada" }],
      second: [{ username: "bob" }, { username: "ada" }],
    });
    expect(relay.statements).toHaveLength(1);
  });

  it("cost one query more for a caller, who needs no other for themselves and then not even that", async () => {
    await entities(
      gateway,
      [ada, bob].map(({ id }) => reference(id)),
      undefined,
      `Bearer ${ada.token}`,
    );
    expect(relay.statements).toEqual([
      expect.stringContaining("from users u left join sessions s"),
      expect.stringMatching(/^select id, username from users where/),
    ]);
    await until(async () => {
      relay.statements.splice(0);
      await entities(gateway, [reference(ada.id)], undefined, `Bearer ${ada.token}`);
      return relay.statements.length === 0;
    });
  });

  it("ask the database nothing when no reference can be a user's", async () => {
    const { data } = await entities(gateway, ["x", "42", "../users"].map(reference));
    expect(data._entities).toEqual([null, null, null]);
    expect(relay.statements).toEqual([]);
  });

  it("see what another request changed", async () => {
    const carol = await account(gateway, "carol");
    const ask = async () => (await entities(gateway, [reference(carol.id)])).data._entities;
    expect(await ask()).toEqual([shown(carol)]);
    await gateway.sql("update users set username = 'caroline' where id = $1", [carol.id]);
    expect(await ask()).toEqual([{ ...shown(carol), username: "caroline" }]);
    await gateway.sql("delete from users where id = $1", [carol.id]);
    expect(await ask()).toEqual([null]);
  });

  it("may be written into the query", async () => {
    const { data } = await gateway.graphql(
      `{ _entities(representations: [{ __typename: "User", id: "${ada.id}" }]) { ... on User { username } } }`,
    );
    expect(data).toEqual({ _entities: [{ username: "ada" }] });
  });
});

describe("a reference that is none", () => {
  const noEntity = "Not a reference to an entity of this service.";
  const noId = "A reference to a User needs its id, which is a string.";

  it.each<[unknown, string]>([
    [{}, noEntity],
    [{ id: randomUUID() }, noEntity],
    [{ __typename: "Query" }, noEntity],
    [{ __typename: "AuthPayload", user: {}, token: "x" }, noEntity],
    [{ __typename: "String" }, noEntity],
    [{ __typename: "_Entity" }, noEntity],
    [{ __typename: "__proto__" }, noEntity],
    [{ __typename: ["User"] }, noEntity],
    [{ __typename: { toString: "User" } }, noEntity],
    ["User", noEntity],
    [42, noEntity],
    [true, noEntity],
    [{ __typename: "User" }, noId],
    [reference(null), noId],
    [reference(42), noId],
    [reference(["x"]), noId],
    [reference({ id: "x" }), noId],
    [reference({ toLowerCase: "x" }), noId],
  ])("%j is refused by itself", async (bad, fault) => {
    const answer = await entities(gateway, [reference(ada.id), bad, reference(bob.id)]);
    expect(answer.data._entities).toEqual([shown(ada), null, shown(bob)]);
    expect(answer.errors).toEqual([
      { ...invalid(fault), path: ["_entities", 1], locations: expect.anything() },
    ]);
  });

  it.each([null, [null], undefined])("%j is refused before anything runs", async (representations) => {
    const answer = await entities(gateway, representations);
    expect(answer.data).toBeUndefined();
    expect(codes(answer)).toEqual([["BAD_USER_INPUT", undefined]]);
    expect(relay.statements).toEqual([]);
  });

  it("is refused together with the rest when they are too many", async () => {
    const tooMany = {
      ...invalid(
        "Ask for less at once: references times fields may be 10000 at most. " +
          "A field that only the user can read counts as 20.",
      ),
      path: ["_entities"],
      locations: expect.anything(),
    };
    const list = Array.from({ length: 1000 }, () => reference(ada.id));
    const allowed = await entities(gateway, list, fields(9));
    expect(allowed.errors).toBeUndefined();
    expect(allowed.data._entities).toHaveLength(1000);
    const refused = await entities(gateway, list, fields(10));
    expect(refused).toMatchObject({ data: null, errors: [tooMany] });
    const empty = await entities(
      gateway,
      Array.from({ length: 30_000 }, () => ({})),
      "{ __typename }",
    );
    expect(empty).toMatchObject({ data: null, errors: [tooMany] });

    const repeated = await gateway.graphql(
      `query ($list: [_Any!]!) {
        ${Array.from({ length: 4 }, (_, index) => `a${index}: _entities(representations: $list) { ...Name }`).join(" ")}
      }
      fragment Name on User { username }`,
      { list },
    );
    expect(repeated).toMatchObject({ data: null, errors: [{ ...tooMany, path: ["a2"] }] });
  });

  it("never counts as a failure of ours, a thousand of them neither", async () => {
    const bad = Array.from({ length: 1000 }, (_, index) => [{ __typename: "User" }, {}, "x"][index % 3]);
    const answer = await entities(gateway, bad);
    expect(answer.data._entities).toEqual(bad.map(() => null));
    expect(codes(answer)).toEqual(
      Array.from({ length: 100 }, (_, index) => ["BAD_USER_INPUT", `_entities.${index}`]),
    );
    expect(gateway.log.filter((line) => line.includes("unforeseen failure"))).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import { isDeepStrictEqual } from "node:util";
import { startFaultRelay } from "../support/fault-relay.ts";
import type { CutTime, FaultRelay } from "../support/fault-relay.ts";
import { startGateway, startReplica } from "../support/gateway.ts";
import type { Gateway, GraphqlAnswer } from "../support/gateway.ts";
import { register } from "../support/operations.ts";
import type { Tokens } from "../support/operations.ts";
import { untilPoolIsIdle } from "../support/pool.ts";

/** Prepares without faults. */
let direct: Gateway;
/** The one whose connections are cut. */
let cut: Gateway;
let relay: FaultRelay;
beforeAll(async () => {
  // One shared secret, so that nothing but the operations asks the database.
  direct = await startGateway({ JWT_ALGORITHM: "HS256", RATE_LIMIT: "off" });
  relay = await startFaultRelay(direct.databaseUrl);
  const environment = { JWT_ALGORITHM: "HS256", JWT_SECRET: direct.jwtSecret, TRUST_PROXY: "1" };
  cut = await startReplica(direct, { ...environment, DATABASE_URL: relay.url });
});
afterAll(async () => {
  await cut.close();
  await relay.close();
  await direct.close();
});

const password = "correct horse battery";
const newPassword = "staple battery horse";

/** Somebody with an address of their own, so that no throttle takes them for another. */
interface Person extends Tokens {
  number: number;
  name: string;
  otherSession: string;
}

interface Operation {
  text: string;
  variables: (person: Person) => Record<string, unknown>;
  /** Without an account before. */
  isRegistration?: true;
  prepare?: (person: Person) => Promise<void>;
  /** The answer where nothing is cut. */
  done: object;
  /** The answer to a repetition where the first one was done without a word, if it is another. */
  doneBefore?: object;
}

const nothingWrong = { errors: [] };
const taken = {
  email: ["user with this email already exists."],
  username: ["user with this username already exists."],
};

const operations: Record<string, Operation> = {
  register: {
    isRegistration: true,
    text: "mutation ($input: RegisterInput!) { register(input: $input) { token } }",
    variables: ({ name }) => ({ input: { email: `${name}@example.com`, username: name, password } }),
    done: nothingWrong,
    doneBefore: { errors: [{ extensions: { code: "BAD_USER_INPUT", errors: taken } }] },
  },
  login: {
    text: "mutation ($input: LoginInput!) { login(input: $input) { token } }",
    variables: ({ name }) => ({ input: { username: name, password } }),
    done: nothingWrong,
  },
  refreshToken: {
    text: "mutation ($token: JWT!) { refreshToken(refreshToken: $token) { token refreshToken } }",
    variables: ({ refreshToken }) => ({ token: refreshToken }),
    done: nothingWrong,
  },
  "refreshToken of a token used long ago": {
    text: "mutation ($token: JWT!) { refreshToken(refreshToken: $token) { token refreshToken } }",
    variables: ({ refreshToken }) => ({ token: refreshToken }),
    prepare: async ({ otherSession }) => {
      const others = "where id <> ? and user_id = (select user_id from sessions where id = ?)";
      await execute(`update sessions set refresh_generation = 5 ${others}`, [otherSession, otherSession]);
    },
    done: { errors: [{ extensions: { code: "UNAUTHENTICATED", reason: "TOKEN_REVOKED" } }] },
  },
  updateUser: {
    text: "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { bio } } }",
    variables: ({ name }) => ({ input: { bio: "Mathematician", email: `${name}@new.example.com` } }),
    done: nothingWrong,
  },
  "updateUser with a new password": {
    text: "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { bio } } }",
    variables: () => ({ input: { password: newPassword, currentPassword: password } }),
    done: nothingWrong,
    doneBefore: {
      errors: [{ extensions: { code: "UNAUTHENTICATED", reason: "TOKEN_REVOKED" } }],
    },
  },
  "logout of this session": {
    text: "mutation { logout { revokedSessions } }",
    variables: () => ({}),
    done: { data: { logout: { revokedSessions: 1 } } },
    doneBefore: { data: { logout: { revokedSessions: 0 } } },
  },
  "logout of all by the refresh token": {
    text: "mutation ($token: JWT) { logout(scope: ALL, refreshToken: $token) { revokedSessions } }",
    variables: ({ refreshToken }) => ({ token: refreshToken }),
    done: { data: { logout: { revokedSessions: 2 } } },
    doneBefore: { data: { logout: { revokedSessions: 0 } } },
  },
  revokeSession: {
    text: "mutation ($id: ID!) { revokeSession(id: $id) { session { revokedAt } } }",
    variables: ({ otherSession }) => ({ id: otherSession }),
    done: { data: { revokeSession: { session: { revokedAt: expect.any(String) } } } },
  },
};

let people = 0;
async function newPerson({ isRegistration, prepare }: Operation): Promise<Person> {
  const number = ++people;
  const name = `person${number}`;
  if (isRegistration) return { number, name, otherSession: "", token: "", refreshToken: "" };
  const { token: other } = await register(direct, { email: `${name}@example.com`, username: name, password });
  const { data } = await direct.graphql(
    "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken } }",
    { input: { username: name, password } },
  );
  const { sid } = jwt.decode(other) as { sid: string };
  const person = { number, name, otherSession: sid, ...(data.login as Tokens) };
  await prepare?.(person);
  return person;
}

async function perform({ text, variables }: Operation, person: Person): Promise<GraphqlAnswer> {
  const answer = await fetch(`${cut.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-forwarded-for": `10.0.${person.number >> 8}.${person.number & 255}`,
      ...(person.token && { authorization: `Token ${person.token}` }),
    },
    body: JSON.stringify({ query: text, variables: variables(person) }),
  });
  const { data, errors = [] } = (await answer.json()) as GraphqlAnswer;
  return { status: answer.status, data, errors };
}

/** All that an operation changes, in a form in which two people can be compared. */
async function stateOf({ name }: Person): Promise<unknown> {
  const [user] = await execute<{ password_hash: string }>(
    `select u.password_hash, u.bio, u.email like '%@new.%' as has_new_email,
       array(select (s.revoked_reason, s.refresh_generation)::text from sessions s
             where s.user_id = u.id order by s.id) as sessions,
       array(select (e.type, e.outcome, e.cause)::text from auth_events e
             where e.user_id = u.id order by e.id) as events
     from users u where u.username = ?`,
    [name],
  );
  if (user === undefined) return undefined;
  const { password_hash: hash, ...state } = user;
  return { ...state, hasNewPassword: (await direct.app.hasher.verify(hash, newPassword)).valid };
}

function execute<Row = object>(statement: string, values: unknown[]): Promise<Row[]> {
  return direct.app.orm.em.fork().execute<Row[]>(statement, values);
}

describe.each(Object.entries(operations))("%s", (_name, operation) => {
  it.each<CutTime>(["before", "after"])(
    "is done as a whole or not at all when the connection is cut %s a statement",
    async (when) => {
      const untouched = await newPerson(operation);
      const undoneState = await stateOf(untouched);
      expect(await perform(operation, untouched)).toMatchObject(operation.done);
      const doneState = await stateOf(untouched);
      const states: string[] = [];
      for (let number = 1; ; number += 1) {
        const person = await newPerson(operation);
        relay.cutAt(number, when);
        const answer = await perform(operation, person);
        if (relay.disarm()) break;

        const state = await stateOf(person);
        const isDone = isDeepStrictEqual(state, doneState);
        if (!isDone) expect(state).toEqual(undoneState);
        states.push(isDone ? "done" : "undone");
        if (answer.errors?.[0]?.extensions.code === "SERVICE_UNAVAILABLE")
          expect(answer.errors).toMatchObject([{ extensions: { retryAfter: 5 } }]);
        else expect([answer, isDone]).toEqual([expect.objectContaining(operation.done), true]);
        await untilPoolIsIdle(cut);

        const again = await perform(operation, person);
        expect(again).toMatchObject((isDone && operation.doneBefore) || operation.done);
      }
      // One statement makes it so, the last of those that count.
      expect(states).toEqual(states.toSorted().toReversed());
      expect(states).toContain(when === "after" ? "done" : "undone");
    },
  );
});

it("answers a refresh whose answer was lost with the pair that is good", async () => {
  const operation = operations["refreshToken"]!;
  const person = await newPerson(operation);
  relay.cutAt(1, "after");
  await perform(operation, person);
  expect(relay.disarm()).toBe(false);
  const { data } = await perform(operation, person);
  const again = { ...person, refreshToken: data.refreshToken.refreshToken as string };
  expect(await perform(operation, again)).toMatchObject(nothingWrong);
});

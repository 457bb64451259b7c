import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { readFileSync } from "node:fs";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-request.ts";

interface Step {
  op?: "register" | "login" | "updateUser" | "me";
  input?: Record<string, unknown>;
  authorization?: string;
  save?: string;
  sql?: string;
}

interface Case {
  id: string;
  given: Step[];
  do: Step;
  expect: {
    user?: Record<string, unknown>;
    errors?: Record<string, string[]>;
    unauthenticated?: string | null;
  };
}

/** Recorded cases in which the gateway differs on purpose, each with its reason. */
const deviations: Record<string, string> = {};

const cases = readFileSync(new URL("conformance.jsonl", import.meta.url), "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Case);

const user = "user { email username bio fullName birthDate }";
const documents = {
  register: `mutation ($input: RegisterInput!) { register(input: $input) { ${user} token refreshToken } }`,
  login: `mutation ($input: LoginInput!) { login(input: $input) { ${user} token refreshToken } }`,
  updateUser: `mutation ($input: UpdateUserInput!) { updateUser(input: $input) { ${user} } }`,
  me: `query { me { email username bio fullName birthDate } }`,
};

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ INTROSPECTION: "off", NODE_ENV: "production" });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate users cascade"));

async function run(step: Step, tokens: Map<string, string>) {
  if (step.sql !== undefined) return void (await gateway.sql(step.sql));
  const op = step.op ?? "me";
  const authorization = step.authorization?.replaceAll(/{{(\w+)}}/g, (_all, name: string) => tokens.get(name) ?? "");
  const answer = await rawRequest(gateway.url, {
    body: { query: documents[op], variables: { input: step.input ?? (op === "me" ? undefined : {}) } },
    ...(authorization !== undefined && { authorization }),
  });
  if (step.save) {
    tokens.set(step.save, answer.data?.[op]?.token);
    // The recordings name the other token of the pair without saving it by a step.
    tokens.set("refresh", answer.data?.[op]?.refreshToken);
  }
  return { op, ...answer };
}

describe("recorded behaviour of the reference services", () => {
  it.each(cases.filter(({ id }) => !(id in deviations)).map((recorded) => [recorded.id, recorded] as const))(
    "%s",
    async (_id, recorded) => {
      const tokens = new Map<string, string>();
      for (const step of recorded.given) await run(step, tokens);
      const answer = await run(recorded.do, tokens);
      if (!answer) throw new Error("the step that counts is an operation");
      const { op, data, errors } = answer;

      const { user: expectedUser, errors: expectedErrors, unauthenticated } = recorded.expect;
      if (expectedUser) {
        expect(errors).toBeUndefined();
        expect(op === "me" ? data.me : data[op].user).toMatchObject(expectedUser);
        return;
      }
      expect(errors).toHaveLength(1);
      const [{ message, extensions }] = errors as [{ message: string; extensions: Record<string, unknown> }];
      if (expectedErrors) {
        expect(extensions["code"]).toBe("BAD_USER_INPUT");
        // As text, because the order of the keys counts.
        expect(JSON.stringify(extensions["errors"])).toBe(JSON.stringify(expectedErrors));
      } else {
        expect(extensions["code"]).toBe("UNAUTHENTICATED");
        if (unauthenticated != null) expect(message).toBe(unauthenticated);
      }
    },
  );

  it("lists only deviations that exist", () => {
    const ids = new Set(cases.map(({ id }) => id));
    expect(Object.keys(deviations).filter((id) => !ids.has(id))).toEqual([]);
    expect(cases).toHaveLength(478);
  });
});

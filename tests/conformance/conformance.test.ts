import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { readFileSync } from "node:fs";
import { startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { expectCodes } from "../support/operations.ts";
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
const deviations: Record<string, string> = {
  "conduit.flow.register_freed_email":
    "An email that an account gave up is kept from others for NAME_REUSE_AFTER; the reference gave it to the next one at once.",
  "conduit.flow.register_freed_username": "The same for a username.",
  "conduit.login.two_accounts_differing_in_case_lower":
    "Case does not make a second account here, so the second registration of the recording is refused.",
  "conduit.register.proto_pollution_keys":
    "GraphQL refuses fields that an input does not have; the reference ignored `__proto__` and `constructor`.",
};

/** The recording could not keep these inputs (raw escapes, very long text) and has `{}`; made again from id and answer. */
const restoredInputs: Record<string, Record<string, unknown>> = {
  "conduit.register.username_lone_high_surrogate": { ...alice(), username: "\ud800" },
  "conduit.register.username_surrogate_pair_escape": { ...alice(), username: "\ud83d\ude00" },
  "conduit.register.email_lone_surrogate": { ...alice(), email: "\ud800@example.com" },
  "conduit.register.order_username_nul_surrogate": { ...alice(), username: "a\0\ud800" },
  "conduit.register.order_two_surrogates_first_reported": { ...alice(), username: "\udfff\ud800" },
  "sirneij.register.full_name_len_20000": { ...alice(), fullName: "f".repeat(20_000) },
  "sirneij.register.full_name_len_20001": { ...alice(), fullName: "f".repeat(20_001) },
  "sirneij.update.full_name_len_20001": { fullName: "f".repeat(20_001) },
};

function alice() {
  return { email: "alice@example.com", username: "alice", password: "password123" };
}

/** `{{repeat:f:20000}}` stands for 20,000 times f. */
function expand(value: unknown): unknown {
  const [, text, times] = /^{{repeat:(.+):(\d+)}}$/.exec(String(value)) ?? [];
  return text === undefined ? value : text.repeat(Number(times));
}

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
  gateway = await startGateway({
    INTROSPECTION: "off",
    NODE_ENV: "production",
    // The recorded accounts have common passwords.
    PASSWORD_CHECKS: "off",
    // Some of them have usernames with line breaks and with "@".
    USERNAME_RULES: "as-recorded",
  });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sql("truncate users cascade"));

async function run(step: Step, tokens: Map<string, string>) {
  if (step.sql !== undefined) return void (await gateway.sql(step.sql));
  const op = step.op ?? "me";
  const authorization = step.authorization?.replaceAll(
    /{{(\w+)}}/g,
    (_all, name: string) => tokens.get(name) ?? "",
  );
  const answer = await rawRequest(gateway.url, {
    body: { query: documents[op], variables: { input: step.input ?? (op === "me" ? undefined : {}) } },
    ...(authorization !== undefined && { authorization }),
  });
  if (step.save) {
    // The references answer an update with a token; here the one it was sent with goes on.
    tokens.set(step.save, answer.data?.[op]?.token ?? authorization?.split(" ")[1]);
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
      const input = restoredInputs[recorded.id];
      for (const step of recorded.given) await run(step, tokens);
      const answer = await run({ ...recorded.do, ...(input && { input }) }, tokens);
      if (!answer) throw new Error("the step that counts is an operation");
      const { op, data, errors } = answer;

      const { user: expectedUser, errors: expectedErrors, unauthenticated } = recorded.expect;
      if (expectedUser) {
        expect(errors).toBeUndefined();
        expect(op === "me" ? data.me : data[op].user).toMatchObject(
          Object.fromEntries(Object.entries(expectedUser).map(([name, value]) => [name, expand(value)])),
        );
        return;
      }
      expect(errors).toHaveLength(1);
      const [{ message, extensions }] = errors as [{ message: string; extensions: Record<string, unknown> }];
      if (expectedErrors) {
        expect(extensions["code"]).toBe("BAD_USER_INPUT");
        // As text, because the order of the keys counts.
        expect(JSON.stringify(extensions["errors"])).toBe(JSON.stringify(expectedErrors));
        expectCodes(extensions);
      } else {
        expect(extensions["code"]).toBe("UNAUTHENTICATED");
        if (unauthenticated != null) expect(message).toBe(unauthenticated);
      }
    },
  );

  it("makes exceptions only of cases that exist", () => {
    const ids = new Set(cases.map(({ id }) => id));
    expect(Object.keys({ ...deviations, ...restoredInputs }).filter((id) => !ids.has(id))).toEqual([]);
    expect(cases).toHaveLength(478);
  });
});

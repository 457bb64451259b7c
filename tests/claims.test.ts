import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { createRemoteJWKSet, jwtVerify } from "jose";
import jwt from "jsonwebtoken";
import type { JwtPayload } from "jsonwebtoken";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, dropDatabase } from "./support/database.ts";
import { gatehouse, killAll } from "./support/gateway-process.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { register } from "./support/operations.ts";

let directory: string;
let claimsFile: string;
const closers: (() => Promise<void>)[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-claims-"));
  claimsFile = join(directory, "claims.json");
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(async () => {
  await killAll();
  await rm(directory, { recursive: true });
});

async function startWith(mapping: string, environment: Record<string, string> = {}): Promise<Gateway> {
  await writeFile(claimsFile, mapping);
  const gateway = await startGateway({ CLAIMS_FILE: claimsFile, ...environment });
  closers.push(() => gateway.close());
  return gateway;
}

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const decode = (token: string) => jwt.decode(token) as JwtPayload;
const refresh = async (gateway: Gateway, refreshToken: string): Promise<string> => {
  const document = "mutation ($token: JWT!) { refreshToken(refreshToken: $token) { token } }";
  return (await gateway.graphql(document, { token: refreshToken })).data.refreshToken.token as string;
};
const verify = (gateway: Gateway, token: string) =>
  fetch(`${gateway.url}/auth/verify?token=true`, { headers: { authorization: `Bearer ${token}` } });

describe("claims of the operator", () => {
  it("make the tokens that Hasura's JWT mode takes, as documented", async () => {
    const page = await readFile(new URL("../docs/integrations/hasura.md", import.meta.url), "utf8");
    const mapping = /```json\n(.*?)```/s.exec(page)?.[1] ?? "";
    const namespace = /^CLAIMS_NAMESPACE=(.*)$/m.exec(page)?.[1] ?? "";
    const settings = JSON.parse(/HASURA_GRAPHQL_JWT_SECRET='(.*)'/.exec(page)?.[1] ?? "");
    const gateway = await startWith(mapping, { CLAIMS_NAMESPACE: namespace });
    const { token, refreshToken } = await register(gateway, ada);

    const keys = createRemoteJWKSet(new URL(settings.jwk_url.replace("http://127.0.0.1:4000", gateway.url)));
    const { issuer, audience } = settings;
    const { payload } = await jwtVerify(token, keys, { issuer, audience });
    const user = {
      "x-hasura-user-id": payload.sub,
      "x-hasura-default-role": "user",
      "x-hasura-allowed-roles": ["user"],
    };
    expect(payload["https://hasura.io/jwt/claims"]).toEqual(user);
    expect(Object.keys(payload).toSorted()).toEqual(
      ["aud", "exp", namespace, "iat", "iss", "jti", "sid", "sub"].toSorted(),
    );
    expect(decode(refreshToken)).not.toHaveProperty([namespace]);

    const answer = await verify(gateway, token);
    expect(decode((answer.headers.get("authorization") ?? "").slice(7))[namespace]).toEqual(user);
    expect(await answer.json()).toEqual({
      "x-hasura-user-id": payload.sub,
      "x-hasura-role": "user",
      "x-hasura-default-role": "user",
      "Cache-Control": expect.any(String),
    });

    await gateway.sql("update users set is_staff = true");
    const staff = {
      "x-hasura-user-id": payload.sub,
      "x-hasura-default-role": "staff",
      "x-hasura-allowed-roles": ["user", "staff"],
    };
    expect(decode(await refresh(gateway, refreshToken))[namespace]).toEqual(staff);
    expect(await (await verify(gateway, token)).json()).toMatchObject({ "x-hasura-role": "staff" });
  });

  it("stand at the top of the token where there is no namespace, beside ours and never over them", async () => {
    const gateway = await startWith(
      '{"role": {"when": "isStaff", "then": "staff", "else": "user"}, "name": {"field": "username"}, "tenant": "acme"}',
    );
    const { token, refreshToken } = await register(gateway, ada);
    const { sub, sid, iat = 0 } = decode(token);
    expect(decode(token)).toEqual({
      role: "user",
      name: "ada",
      tenant: "acme",
      iss: "gatehouse",
      aud: "gatehouse",
      sub,
      sid,
      jti: `${sid as string}.0`,
      iat,
      exp: iat + 900,
    });
    expect(Object.keys(decode(refreshToken)).toSorted()).toEqual([
      "aud",
      "exp",
      "gen",
      "iat",
      "iss",
      "sid",
      "sub",
    ]);
    const { data } = await gateway.graphql("{ me { username } }", {}, `Bearer ${token}`);
    expect(data).toEqual({ me: { username: "ada" } });
  });

  it("may be as large as they are allowed to be", async () => {
    const constants = Array.from({ length: 15 }, (_, at) => [`claim${at}`, "x".repeat(250)]);
    const gateway = await startWith(JSON.stringify(Object.fromEntries(constants)), {
      JWT_ALGORITHM: "RS256",
    });
    const { token } = await register(gateway, ada);
    // Proxies take header lines of 8 KB.
    expect(`Authorization: Bearer ${token}\r\n`.length).toBeLessThan(8192);
    expect((await verify(gateway, token)).status).toBe(200);
  });

  it("give Hasura's webhook texts only, whatever they are mapped to", async () => {
    const gateway = await startWith(
      '{"X-Hasura-Role": "member", "x-hasura-staff": {"field": "isStaff"}, "x-hasura-level": 3, "role": "x"}',
    );
    const { token } = await register(gateway, ada);
    expect(await (await verify(gateway, token)).json()).toEqual({
      "x-hasura-user-id": decode(token).sub,
      "x-hasura-role": "member",
      "x-hasura-staff": "false",
      "x-hasura-level": "3",
      "Cache-Control": expect.any(String),
    });
  });
});

describe("gatehouse serve", () => {
  it("refuses to start with a faulty file, in a line that names it", async () => {
    const databaseUrl = await createDatabase();
    const key = "a secret of thirty-two bytes or more";
    const serve = (environment: Record<string, string>) =>
      gatehouse(["serve"], { PORT: "0", DATABASE_URL: databaseUrl, ENCRYPTION_KEY: key, ...environment })
        .exit;
    const faults: [string | Buffer, RegExp][] = [
      [
        '{"role": {"field": "passwordHash"}}',
        /claim "role": the field "passwordHash" is secret; "field" takes .*/,
      ],
      ['{"sub": "someone else"}', /claim "sub": is reserved; only the gateway sets it/],
      ["{", /is not JSON: .*/],
      [Buffer.from('{"city": "M\xfcnchen"}', "latin1"), /is not valid UTF-8/],
    ];
    for (const [mapping, fault] of faults) {
      await writeFile(claimsFile, mapping);
      const { code, stdout, stderr } = await serve({ CLAIMS_FILE: claimsFile });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(new RegExp(`^gatehouse: CLAIMS_FILE ${claimsFile}: ${fault.source}\n$`));
    }
    const absent = await serve({ CLAIMS_FILE: join(directory, "absent.json") });
    expect(absent.stderr).toBe(`gatehouse: CLAIMS_FILE ${directory}/absent.json: is not there\n`);
    const alone = await serve({ CLAIMS_NAMESPACE: "https://hasura.io/jwt/claims" });
    expect(alone.stderr).toBe(
      "gatehouse: CLAIMS_NAMESPACE needs CLAIMS_FILE, which says what the claims are\n",
    );
    await writeFile(claimsFile, "{}");
    const reserved = await serve({ CLAIMS_FILE: claimsFile, CLAIMS_NAMESPACE: "sub" });
    expect(reserved.stderr).toBe('gatehouse: CLAIMS_NAMESPACE takes a name of its own; "sub" is reserved\n');
    await dropDatabase(databaseUrl);
  });
});

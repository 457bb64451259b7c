import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { loadConfig } from "../src/config/config.ts";
import { PwnedPasswords } from "../src/security/pwned-passwords.ts";
import { startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { gatehouse } from "./support/gateway-process.ts";
import { errorsOf, register } from "./support/operations.ts";
import { startRangeService } from "./support/range-service.ts";
import type { RangeService } from "./support/range-service.ts";

const ada = { email: "ada@example.com", username: "ada", password: "correct horse battery" };
const breached = { password: ["This password has appeared in a data breach."] };
const document = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
const hash = createHash("sha1").update(ada.password).digest("hex").toUpperCase();
const [prefix, suffix] = [hash.slice(0, 5), hash.slice(5)];
const other = `${"0".repeat(34)}A:12`;

let service: RangeService;
let gateway: Gateway;
beforeAll(async () => {
  service = await startRangeService();
  gateway = await startGateway({ PWNED_PASSWORDS_URL: service.url });
});
afterAll(async () => {
  await gateway.close();
  await service.close();
});
beforeEach(async () => {
  await gateway.sql("truncate users cascade");
  service.asked.length = 0;
  gateway.log.length = 0;
});

const says = (text: string, status = 200) => {
  service.answer = (_request, response) => void response.writeHead(status).end(text);
};
const warnings = () => gateway.log.filter((line) => line.includes("PWNED_PASSWORDS_URL"));

describe("PWNED_PASSWORDS_URL", () => {
  it.each([
    ["among others", `${other}\r\n${suffix}:3\r\n`],
    ["in small letters", `${suffix.toLowerCase()}:1`],
  ])(
    "refuses what the service has, %s, and tells it five digits only (ASVS V6.2.12)",
    async (_what, text) => {
      says(text);
      expect(errorsOf(await gateway.graphql(document, { input: ada }))).toEqual(breached);
      expect(service.asked).toEqual([{ path: `/range/${prefix}`, padding: "true" }]);
      expect(warnings()).toEqual([]);
    },
  );

  it("refuses it for updateUser too (ASVS V6.2.12)", async () => {
    says(other);
    const { token } = await register(gateway, { ...ada, password: "another password" });
    says(`${suffix}:3`);
    const update = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    const input = { password: ada.password };
    expect(errorsOf(await gateway.graphql(update, { input }, `Token ${token}`))).toEqual(breached);
  });

  it.each([
    ["it has not", other],
    ["it only pads its answer with", `${other}\r\n${suffix}:0`],
  ])("accepts what %s", async (_what, text) => {
    says(text);
    await register(gateway, ada);
    expect(service.asked).toHaveLength(1);
    expect(warnings()).toEqual([]);
  });

  it("is not asked for what another rule refuses", async () => {
    says(`${suffix}:3`);
    for (const password of ["short", "password", "ada-ada-ada", "p".repeat(129), "a\0bcdefgh"])
      errorsOf(await gateway.graphql(document, { input: { ...ada, password } }));
    expect(service.asked).toEqual([]);
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ["hangs", () => {}, "aborted due to timeout"],
    ["hangs in its answer", (response) => void response.write(other), "aborted due to timeout"],
    ["fails", (response) => void response.writeHead(500).end(suffix), "status 500"],
    ["sends elsewhere", (response) => void response.writeHead(302, { location: "/" }).end(), "redirect"],
    ["has nothing to say", (response) => void response.end(), "no list of hashes"],
    ["answers garbage", (response) => void response.end("<html>"), "no list of hashes"],
    ["has garbage behind", (response) => void response.end(`${suffix}:3\nx`), "no list of hashes"],
    ["answers without end", (response) => endless(response), "longer than 262144 bytes"],
    ["hangs up", (response) => void response.destroy(), "closed"],
  ])("does not block a sign-up when the service %s, and warns", async (_what, answer, cause) => {
    service.answer = (_request, response) => answer(response);
    const start = Date.now();
    await register(gateway, ada);
    expect(Date.now() - start).toBeLessThan(5000);
    expect(service.asked).toHaveLength(1);
    expect(warnings()).toHaveLength(1);
    expect(JSON.parse(warnings()[0] ?? "")).toMatchObject({
      level: 40,
      err: { message: expect.stringContaining(cause) },
    });
    for (const secret of [ada.password, prefix, suffix])
      expect(gateway.log.join("").toUpperCase()).not.toContain(secret.toUpperCase());
  });

  it("is asked for 32 passwords at once and no more", async () => {
    service.answer = () => {};
    const passwords = new PwnedPasswords(`${service.url}/`);
    const reasons = await Promise.all(
      Array.from({ length: 40 }, () => passwords.has(ada.password).catch((error: Error) => error.message)),
    );
    expect(reasons.filter((reason) => reason === "32 passwords are being looked up already")).toHaveLength(8);
    says(`${suffix}:3`);
    expect(await passwords.has(ada.password)).toBe(true);
  });

  it("is asked by createsuperuser, which warns on standard error", async () => {
    says(`${suffix}:3`);
    const stderr = `gatehouse: password: ${breached.password[0]}\n`;
    expect(await createSuperuser()).toMatchObject({ code: 1, stderr });
    says("", 503);
    const made = await createSuperuser();
    expect(made).toMatchObject({ code: 0, stdout: "made the superuser root\n" });
    expect(JSON.parse(made.stderr)).toMatchObject({
      level: 40,
      err: { message: expect.stringContaining("503") },
    });
  });

  it.each(["pwned", "ftp://a.example/", "https://u:p@a.example/", "https://a.example/?q=", "https://"])(
    "takes no %s",
    (url) => {
      expect(() => loadConfig({ PWNED_PASSWORDS_URL: url })).toThrow(
        "PWNED_PASSWORDS_URL takes a URL such as https://api.pwnedpasswords.com/range/, without credentials or query",
      );
    },
  );
});

const createSuperuser = () =>
  gatehouse(["createsuperuser", "--email", "root@example.com", "--username", "root"], {
    DATABASE_URL: gateway.databaseUrl,
    ENCRYPTION_KEY: gateway.jwtSecret,
    PWNED_PASSWORDS_URL: service.url,
    GATEHOUSE_SUPERUSER_PASSWORD: ada.password,
  }).exit;

function endless(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write(`${other}\r\n`.repeat(1000)));
  };
  response.on("drain", more);
  more();
}

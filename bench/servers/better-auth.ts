// Better Auth as its documentation sets it up (Installation, PostgreSQL, Email & Password, Node integration): a pg pool,
// sessions in the database, its own scrypt. With a second argument `argon2id`, passwords are hashed as its page on custom
// hashing shows, at our parameters. Its rate limit is off because all requests come from one address.
import { hash, verify } from "@node-rs/argon2";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "pg";
import { readSettings } from "./settings.ts";

const { databaseUrl, accounts, hashing, secret } = readSettings();

const argon2id = {
  hash: (password: string) => hash(password, hashing),
  verify: (given: { hash: string; password: string }) => verify(given.hash, given.password),
};

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const auth = betterAuth({
  baseURL: url,
  secret,
  database: new Pool({ connectionString: databaseUrl }),
  emailAndPassword: { enabled: true, ...(process.argv[3] === "argon2id" && { password: argon2id }) },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
await (await getMigrations(auth.options)).runMigrations();
for (const { username, email, password } of accounts)
  await auth.api.signUpEmail({ body: { name: username, email, password } });
const handle = toNodeHandler(auth);
server.on("request", (request, response) => void handle(request, response));
process.send?.(url);

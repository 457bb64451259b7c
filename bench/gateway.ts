import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "../src/embedded-postgres/postmaster-launch.ts";
import { startChild } from "./child.ts";
import type { Child, ChildOptions } from "./child.ts";
import type { CleanUp } from "./undo.ts";

export interface Gateway {
  url: string;
  child: Child;
  dataDirectory: string;
}

export interface Account {
  username: string;
  email: string;
  password: string;
}

export interface SignedInAccount extends Account {
  token: string;
}

/** One for all gateways of a run: on one database they are replicas. */
const encryptionKey = randomBytes(32).toString("base64url");

/** Settings for a database that is there already, in place of one that the gateway brings along. */
export function onDatabase(databaseUrl: string): Record<string, string> {
  return { DATABASE_URL: databaseUrl, ENCRYPTION_KEY: encryptionKey, MIGRATE_ON_START: "on" };
}

/** Starts the built gateway as it would be deployed, on a database of its own; `cleanUp` learns what there is to undo. */
export async function startGateway(
  cleanUp: CleanUp,
  settings: Record<string, string> = {},
): Promise<Gateway> {
  const { gateway, port } = await launchGateway(cleanUp, settings);
  while (!(await isReady(port))) await Promise.race([delay(20), gateway.child.ended]);
  return gateway;
}

/**
 * The same without waiting until it is ready.
 * @param settings beside or in place of the bench's own
 */
export async function launchGateway(
  cleanUp: CleanUp,
  settings: Record<string, string> = {},
  options: Pick<ChildOptions, "bare"> = {},
): Promise<{ gateway: Gateway; port: number }> {
  const port = await findFreePort();
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-bench-"));
  cleanUp.push(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  const environment = {
    PORT: String(port),
    DATA_DIR: join(directory, "data"),
    LOG_LEVEL: "warn",
    // All requests come from one address, and none may be turned away.
    RATE_LIMIT: "off",
    ...settings,
  };
  // Not in the project's folder, whose .env the gateway would read.
  const child = startChild("bin/gatehouse.js", ["serve"], environment, { ...options, cwd: directory });
  cleanUp.push(() => child.stop());
  const gateway = { url: `http://127.0.0.1:${port}/graphql`, child, dataDirectory: environment.DATA_DIR };
  return { gateway, port };
}

/** Accounts that differ, so that concurrent sign-ins do not wait for one another's row. */
export function newAccounts(count: number): Account[] {
  return Array.from({ length: count }, (_, number) => ({
    username: `bench${number}`,
    email: `bench${number}@example.com`,
    password: `correct horse battery ${number}`,
  }));
}

export async function registerAccounts({ url }: Gateway, count: number): Promise<SignedInAccount[]> {
  const accounts: SignedInAccount[] = [];
  for (const account of newAccounts(count)) {
    const query = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables: { input: account } }),
    });
    const { data } = (await answer.json()) as { data?: { register: { token: string } } | null };
    if (!data) throw new Error(`the gateway did not register ${account.username}`);
    accounts.push({ ...account, token: data.register.token });
  }
  return accounts;
}

function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

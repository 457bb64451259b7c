import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "../src/persistence/postmaster-launch.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";

export interface Gateway {
  url: string;
  child: Child;
  dataDirectory: string;
}

export interface Account {
  username: string;
  password: string;
  token: string;
}

/**
 * Starts the built gateway as it would be deployed, on a database of its own; `cleanUp` learns what there is to undo.
 * @param settings beside or in place of the bench's own
 */
export async function startGateway(
  cleanUp: (() => Promise<void>)[],
  settings: Record<string, string> = {},
): Promise<Gateway> {
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
  const child = startChild("bin/gatehouse.js", ["serve"], environment, directory);
  cleanUp.push(() => child.stop());
  const gateway = { url: `http://127.0.0.1:${port}/graphql`, child, dataDirectory: environment.DATA_DIR };
  while (!(await isReady(port))) await Promise.race([delay(20), child.ended]);
  return gateway;
}

/** Registers accounts, so that concurrent sign-ins do not wait for one another's row. */
export async function registerAccounts({ url }: Gateway, count: number): Promise<Account[]> {
  const accounts: Account[] = [];
  while (accounts.length < count) {
    const username = `bench${accounts.length}`;
    const password = `correct horse battery ${accounts.length}`;
    const input = { email: `${username}@example.com`, username, password };
    const query = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data } = (await answer.json()) as { data?: { register: { token: string } } | null };
    if (!data) throw new Error(`the gateway did not register ${username}`);
    accounts.push({ username, password, token: data.register.token });
  }
  return accounts;
}

function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

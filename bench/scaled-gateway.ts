import { hash } from "@node-rs/argon2";
import { randomBytes, randomInt } from "node:crypto";
import { populate, tokensOf, usernameOf } from "../tests/support/population.ts";
import type { PopulationSize } from "../tests/support/population.ts";
import { migrateUp } from "../src/persistence/migrations.ts";
import { createOrm } from "../src/persistence/orm.ts";
import { loginLoad, meLoad } from "./contenders.ts";
import { onDatabase, startGateway } from "./gateway.ts";
import type { Gateway } from "./gateway.ts";
import { graphqlRequest, load } from "./load.ts";
import type { Load } from "./load.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { Contender } from "./sample.ts";
import type { CleanUp } from "./undo.ts";

/** A gateway on a database of some size, with operations to measure. */
export interface ScaledGateway {
  databaseUrl: string;
  /** Milliseconds until it was ready. */
  startTime: number;
  operations: string[];
  /** Of each operation, under its name after that of the database. */
  contenders: Contender[];
}

const password = "correct horse battery";
const jwtSecret = randomBytes(32).toString("base64url");

/** Hashing that takes next to nothing, so that what is left is what may grow; one secret, so that tokens can be made here. */
export const scaledSettings = {
  JWT_ALGORITHM: "HS256",
  JWT_SECRET: jwtSecret,
  ARGON2_MEMORY: "8",
  ARGON2_TIME: "1",
};
const hashing = { memoryCost: 8, timeCost: 1, parallelism: 1 };

/** Of the small database half of the sessions, for each of the two operations that need one that was not used yet. */
const freshSessions = 2_400;
const usedSessions = 16;

export async function startScaled(
  cleanUp: CleanUp,
  postgres: BenchPostgres,
  name: string,
  size: PopulationSize,
): Promise<ScaledGateway> {
  process.stderr.write(`filling the ${name} database: ${size.users} users, ${size.sessions} sessions\n`);
  const databaseUrl = await postgres.createDatabase(name);
  const orm = createOrm(databaseUrl, { info: () => {} });
  await migrateUp(orm);
  await orm.close();
  await populate(databaseUrl, size, await hash(password, hashing));
  const start = performance.now();
  const gateway = await startGateway(cleanUp, { ...onDatabase(databaseUrl), ...scaledSettings });
  const startTime = performance.now() - start;
  const loads = await loadsOf(gateway, databaseUrl, size);
  return {
    databaseUrl,
    startTime,
    operations: Object.keys(loads),
    contenders: Object.entries(loads).map(([operation, given]) => oneByOne(`${name} ${operation}`, given)),
  };
}

async function loadsOf(
  gateway: Gateway,
  databaseUrl: string,
  size: PopulationSize,
): Promise<Record<string, Load & { onlyOnce?: boolean }>> {
  const numbers = differentNumbers(2 * freshSessions + usedSessions, size.sessions);
  const tokens = await tokensOf(databaseUrl, size, jwtSecret, numbers);
  const asked = tokens.slice(0, freshSessions);
  const refreshed = tokens.slice(freshSessions, 2 * freshSessions);
  const used = tokens.slice(2 * freshSessions);
  const accounts = differentNumbers(500, size.users).map((number) => ({
    username: usernameOf(number),
    password,
  }));
  const refresh = "mutation ($token: JWT!) { refreshToken(refreshToken: $token) { token refreshToken } }";
  const update = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { user { bio } } }";
  const verifications = used.map(({ token }) => ({
    method: "GET" as const,
    path: "/auth/verify",
    headers: { authorization: `Bearer ${token}` },
  }));
  return {
    "me, cold": { ...meLoad(gateway, asked), onlyOnce: true },
    "me, warm": meLoad(gateway, used),
    "auth/verify, warm": { server: gateway, requests: verifications, expectedStart: "" },
    login: loginLoad(gateway, accounts),
    refreshToken: {
      server: gateway,
      requests: refreshed.map(({ refreshToken: token }) =>
        graphqlRequest({ query: refresh, variables: { token } }),
      ),
      expectedStart: '{"data":{"refreshToken":{',
      onlyOnce: true,
    },
    updateUser: {
      server: gateway,
      requests: used.map(({ token }, index) =>
        graphqlRequest({ query: update, variables: { input: { bio: `bio ${index}` } }, token }),
      ),
      expectedStart: '{"data":{"updateUser":{',
    },
  };
}

function oneByOne(name: string, { onlyOnce, ...given }: Load & { onlyOnce?: boolean }): Contender {
  const unsent = [...given.requests];
  return {
    name,
    child: given.server.child,
    run: (amount) => {
      const requests = onlyOnce ? unsent.splice(0, amount) : given.requests;
      return load({ ...given, requests, connections: 1 }, amount);
    },
  };
}

/** So many, at random, from 1 to `largest`. */
function differentNumbers(count: number, largest: number): number[] {
  const numbers = new Set<number>();
  while (numbers.size < count) numbers.add(randomInt(1, largest + 1));
  return [...numbers];
}

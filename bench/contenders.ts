import { availableParallelism } from "node:os";
import { loadConfig } from "../src/config/config.ts";
import { startAlternatives } from "./alternatives.ts";
import { startChild } from "./child.ts";
import { newAccounts, onDatabase, registerAccounts, startGateway } from "./gateway.ts";
import type { Gateway, SignedInAccount } from "./gateway.ts";
import { graphqlRequest, load } from "./load.ts";
import type { Load } from "./load.ts";
import type { BenchPostgres } from "./postgres.ts";
import type { Contender, Run } from "./sample.ts";
import type { CleanUp } from "./undo.ts";

export const connections = 16;
export const manyConnections = 64;

const { memoryCost, timeCost, parallelism } = loadConfig({}).passwordHashing;

/** The gateway's own settings; as many at once as there are cores is the most that they can do. */
export const hashing = { memoryCost, timeCost, parallelism };
export const hashesAtOnce = availableParallelism();

/** What is measured, and what else is needed of it afterwards. */
export interface Field {
  contenders: Contender[];
  gateway: Gateway;
  /** Who asks for themselves. */
  accounts: SignedInAccount[];
  /** Who signs in over and over, which ends the oldest of their sessions. */
  signingIn: SignedInAccount[];
  databaseUrl: string;
}

/** Starts what is compared; `cleanUp` learns what there is to undo, also when a start fails. */
export async function startField(cleanUp: CleanUp, postgres: BenchPostgres): Promise<Field> {
  const databaseUrl = await postgres.createDatabase("gatehouse_bench");
  const gateway = await startGateway(cleanUp, onDatabase(databaseUrl));
  const registered = await registerAccounts(gateway, manyConnections + connections);
  const [accounts, signingIn] = [registered.slice(0, manyConnections), registered.slice(manyConnections)];
  const few = accounts.slice(0, connections);
  const bare = await startBareServer(cleanUp);
  const shared = { accounts: newAccounts(connections), hashing };
  const alternatives = await startAlternatives(cleanUp, postgres, shared);
  const contenders = [
    contender("constant field", constantLoad(bare, connections)),
    contender("me", meLoad(gateway, few)),
    contender("constant field, 64", constantLoad(bare, manyConnections)),
    contender("me, 64", meLoad(gateway, accounts)),
    ...alternatives
      .filter(({ name }) => name !== "better-auth (scrypt)")
      .map(({ name, me }) => contender(`${name} me`, me)),
    await startRawArgon2(cleanUp),
    contender("login", loginLoad(gateway, signingIn)),
    ...alternatives.map(({ name, login }) => contender(`${name} login`, login)),
  ];
  return { contenders, gateway, accounts, signingIn, databaseUrl };
}

export async function startBareServer(cleanUp: CleanUp): Promise<Load["server"]> {
  const child = startChild("bench/dist/bare-apollo.js", [], {});
  cleanUp.push(() => child.stop());
  return { url: await child.nextMessage<string>(), child };
}

export function constantLoad(server: Load["server"], atOnce: number): Load {
  const requests = Array.from({ length: atOnce }, () => graphqlRequest({ query: "{ constant }" }));
  return { server, requests, expectedStart: '{"data":{"constant":1' };
}

export const meQuery = "{ me { id username email createdAt } }";

export function meLoad(server: Load["server"], accounts: { token: string }[]): Load {
  const requests = accounts.map(({ token }) => graphqlRequest({ query: meQuery, token }));
  return { server, requests, expectedStart: '{"data":{"me":{' };
}

export function loginLoad(server: Load["server"], accounts: { username: string; password: string }[]): Load {
  const query = "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken user { id } } }";
  const requests = accounts.map(({ username, password }) =>
    graphqlRequest({ query, variables: { input: { username, password } } }),
  );
  return { server, requests, expectedStart: '{"data":{"login":{' };
}

export function contender(name: string, given: Load): Contender {
  return { name, child: given.server.child, run: (amount) => load(given, amount) };
}

async function startRawArgon2(cleanUp: CleanUp): Promise<Contender> {
  const settings = [memoryCost, timeCost, parallelism, hashesAtOnce].map(String);
  const child = startChild("bench/dist/raw-argon2.js", settings, {});
  cleanUp.push(() => child.stop());
  await child.nextMessage();
  return { name: "argon2id alone", child, run: (amount) => child.ask<Run>(amount) };
}

import { loadConfig } from "../src/config.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import { registerAccounts, startGateway } from "./gateway.ts";
import { load } from "./load.ts";
import type { GraphqlRequest } from "./load.ts";
import type { Contender, Run } from "./sample.ts";

export const connections = 16;

const { concurrency, ...parameters } = loadConfig({}).passwordHashing;

/** The gateway's own settings; it never has more sign-ins at hand than there are connections. */
export const hashing = { ...parameters, atOnce: Math.min(concurrency, connections) };

/** Starts what is compared; `cleanUp` learns what there is to undo, also when a start fails. */
export async function startContenders(cleanUp: (() => Promise<void>)[]): Promise<Contender[]> {
  const bareChild = startChild("bench/bare-apollo.ts", [], {});
  cleanUp.push(() => bareChild.stop());
  const bare = { url: `${await bareChild.nextMessage<string>()}/graphql`, child: bareChild };

  const { memoryCost, timeCost, parallelism, atOnce } = hashing;
  const settings = [memoryCost, timeCost, parallelism, atOnce].map(String);
  const argon2 = startChild("bench/raw-argon2.ts", settings, {});
  cleanUp.push(() => argon2.stop());
  await argon2.nextMessage();

  const gateway = await startGateway(cleanUp);
  const accounts = await registerAccounts(gateway, connections);

  const constants = accounts.map(() => ({ query: "{ constant }" }));
  const mes = accounts.map(({ token }) => ({ query: "{ me { id username email createdAt } }", token }));
  const logins = accounts.map(({ username, password }) => ({
    query: "mutation ($input: LoginInput!) { login(input: $input) { token refreshToken user { id } } }",
    variables: { input: { username, password } },
  }));
  return [
    onServer(bare, "constant field", constants, '{"data":{"constant":1'),
    onServer(gateway, "me", mes, '{"data":{"me":{'),
    onServer(gateway, "login", logins, '{"data":{"login":{'),
    { name: "raw argon2", child: argon2, run: (amount) => argon2.ask<Run>(amount) },
  ];
}

function onServer(
  server: { url: string; child: Child },
  name: string,
  requests: GraphqlRequest[],
  expectedStart: string,
): Contender {
  return { name, child: server.child, run: (amount) => load(server, requests, expectedStart, amount) };
}

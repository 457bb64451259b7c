// A process that signs in without a pause, all accounts at once, from "go" to "stop". Arguments: url, accounts as JSON.
// Answers "stop" with how many succeeded, and how many failed: to be refused because there are too many is no failure.
import { send } from "./attack/steady-load.ts";
import type { Account } from "./gateway.ts";

const [url = "", list = "[]"] = process.argv.slice(2);
const accounts = JSON.parse(list) as Account[];
const query = "mutation ($input: LoginInput!) { login(input: $input) { token } }";

const counts = { succeeded: 0, failed: 0 };
let stop = new AbortController();
let storm: Promise<unknown> = Promise.resolve();

async function signInAgainAndAgain({ username, password }: Account, { signal } = stop): Promise<void> {
  while (!signal.aborted) {
    const { code } = await send(url, { query, variables: { input: { username, password } } });
    if (code === "OK") counts.succeeded += 1;
    else if (code !== "SERVICE_UNAVAILABLE") counts.failed += 1;
  }
}

process.on("message", (message) => {
  stop.abort();
  if (message === "stop") void storm.then(() => process.send?.(counts));
  if (message !== "go") return;
  stop = new AbortController();
  Object.assign(counts, { succeeded: 0, failed: 0 });
  storm = Promise.all(accounts.map((account) => signInAgainAndAgain(account)));
});
process.channel?.ref();

/**
 * Whether the time of an answer tells if an account exists: sign-ins to unknown accounts and to those there are (with
 * our hash, deactivated, with one of Django's), registrations of free and of taken names with REGISTRATION_PRIVACY, and
 * refreshes of sessions that are gone. What is compared is asked for in turn. For each: the median, the chance that it
 * took longer than the first (Mann-Whitney; 0.5 where nothing can be told), and the largest distance of the two
 * distributions with the probability that chance alone makes it so large (Kolmogorov-Smirnov). `npm run bench:build && node
 * bench/attack/account-timing.ts [ROUNDS]`; 1,000 rounds take some minutes.
 */
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { findRunningPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";
import { chanceOfLonger, timesOf } from "../../tests/support/time-comparison.ts";
import { startGateway } from "../gateway.ts";

const rounds = Number(process.argv[2] ?? 1000);
const password = "correct horse battery";
const djangos = "pbkdf2_sha256$600000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=";

/** So many that a look that no index serves would take its time. */
const manyUsers = `
  insert into users (id, email, username, password_hash)
  select gen_random_uuid(), n || '@example.org', 'other' || n, u.password_hash
  from generate_series(1, 20000) n, users u where u.username = 'ada'`;

const cleanUp: (() => Promise<void>)[] = [];
const print = (line: string) => process.stdout.write(`${line}\n`);

const fresh = () => `n${randomUUID()}`;

async function compare(): Promise<void> {
  const gateway = await startGateway(cleanUp, { REGISTRATION_PRIVACY: "on" });
  const url = await findRunningPostgres(gateway.dataDirectory);
  const database = new Client({ connectionString: url });
  await database.connect();
  cleanUp.push(() => database.end());

  const ask = async (query: string, variables: object) => {
    const answer = await fetch(gateway.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    return answer.json() as Promise<{ data?: { login: { refreshToken: string } } }>;
  };
  const register = (input: object) =>
    ask("mutation ($input: RegisterInput!) { register(input: $input) { token } }", {
      input: { ...input, password },
    });
  const signIn = (username: string, given = "wrong password") =>
    ask("mutation ($input: LoginInput!) { login(input: $input) { refreshToken } }", {
      input: { username, password: given },
    });
  const refresh = (t: string) =>
    ask("mutation ($t: JWT!) { refreshToken(refreshToken: $t) { token } }", { t });

  for (const username of ["ada", "bob", "gone"])
    await register({ email: `${username}@example.com`, username });
  await database.query("update users set is_active = false where username = 'bob'");
  await database.query(manyUsers);
  await database.query("analyze users");
  const ended = (await signIn("ada", password)).data?.login.refreshToken ?? "";
  await ask("mutation ($t: JWT!) { logout(refreshToken: $t) { revokedSessions } }", { t: ended });
  const orphaned = (await signIn("gone", password)).data?.login.refreshToken ?? "";
  await database.query("delete from users where username = 'gone'");

  const logins = {
    "login, unknown account": () => signIn("nobody"),
    "login, wrong password": () => signIn("ada"),
    "login, deactivated": () => signIn("bob"),
  };
  report(await timesOf(logins, { rounds }));
  report(
    await timesOf(
      {
        "register, free": () => register({ email: `${fresh()}@example.com`, username: fresh() }),
        "register, email taken": () => register({ email: "ada@example.com", username: fresh() }),
        "register, both taken": () => register({ email: "ada@example.com", username: "bob" }),
      },
      { rounds },
    ),
  );
  report(
    await timesOf(
      {
        "refreshToken, account gone": () => refresh(orphaned),
        "refreshToken, session ended": () => refresh(ended),
      },
      { rounds },
    ),
  );

  await register({ email: "django@example.com", username: "django" });
  await database.query("update users set password_hash = $1 where username = 'django'", [djangos]);
  await signIn("django");
  const withDjangos = { ...logins, "login, Django's hash": () => signIn("django") };
  report(await timesOf(withDjangos, { rounds: Math.ceil(rounds / 4) }));
}

function report(all: Record<string, number[]>): void {
  const [[, first] = ["", []], ...others] = Object.entries(all);
  for (const [name, times] of Object.entries(all)) {
    const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? NaN;
    const isFirst = others.every(([other]) => other !== name);
    const compared = isFirst ? "" : comparisonOf(times, first);
    print(
      `${name.padEnd(30)} ${String(times.length).padStart(5)} times, median ${median.toFixed(2)} ms${compared}`,
    );
  }
}

function comparisonOf(some: number[], others: number[]): string {
  const distance = largestDistance(some, others);
  const probability = probabilityOf(distance, some.length, others.length);
  const chance = chanceOfLonger(some, others).toFixed(3);
  return `, longer than the first: ${chance}, D = ${distance.toFixed(3)} (p = ${probability.toFixed(3)})`;
}

/** Kolmogorov and Smirnov's D: how far the shares of times up to some length are apart at most. */
function largestDistance(some: number[], others: number[]): number {
  return Math.max(
    ...[...some, ...others].map((limit) => Math.abs(shareUpTo(some, limit) - shareUpTo(others, limit))),
  );
}

function shareUpTo(times: number[], limit: number): number {
  return times.filter((time) => time <= limit).length / times.length;
}

/** How likely two samples of one distribution are so far apart, by Kolmogorov's series; good for 30 times and more. */
function probabilityOf(distance: number, count: number, otherCount: number): number {
  const root = Math.sqrt((count * otherCount) / (count + otherCount));
  const lambda = (root + 0.12 + 0.11 / root) * distance;
  let sum = 0;
  for (let k = 1; k <= 100; k += 1) sum += 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * lambda * lambda);
  return lambda < 0.3 ? 1 : Math.min(1, Math.max(0, sum));
}

try {
  await compare();
} finally {
  for (const undo of cleanUp.toReversed()) await undo();
}

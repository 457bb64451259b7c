/**
 * What an attacker gets who guesses passwords, at the settings that are the default: against one account from one
 * address, against any account from one address, against one account from a thousand addresses, and with a thousand
 * addresses against as many accounts. Whoever is refused waits exactly as long as they are told: the waits are real,
 * but the time in which they pass is taken off the counts in the database. `npm run bench:build && node
 * bench/attack/guessing.ts` takes some minutes.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { findRunningPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";
import { startGateway } from "../gateway.ts";
import { signInFrom } from "./sign-in-from.ts";
import type { Answer } from "./sign-in-from.ts";

const atOnce = 4;
const hour = 3600;
/** Milliseconds for which a replica refuses without a look at the database. */
const refusalKept = 1_000;

const owner = { name: "ada", password: "correct horse battery", address: "192.0.2.1" };
const addresses = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);

const cleanUp: (() => Promise<void>)[] = [];
const print = (line: string) => process.stdout.write(`${line}\n`);

async function attack(): Promise<void> {
  const gateway = await startGateway(cleanUp, { RATE_LIMIT: "on", TRUST_PROXY: "1" });
  const database = await openDatabase(gateway.dataDirectory);
  const { url } = gateway;
  const input = { email: "ada@example.com", username: owner.name, password: owner.password };
  await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": owner.address },
    body: JSON.stringify({
      query: "mutation ($input: RegisterInput!) { register(input: $input) { token } }",
      variables: { input },
    }),
  });
  const wrong = (name: string, address: string) => signInFrom(url, address, name, "a wrong password");
  const ownerSignsIn = () => signInFrom(url, owner.address, owner.name, owner.password);

  /** Guesses without a pause, and waits as told, for so many hours. @returns how many guesses each hour answered */
  async function guessFor(hours: number, guess: (index: number) => Promise<Answer>): Promise<number[]> {
    await database.query("truncate attempts");
    await delay(refusalKept);
    const answered = Array<number>(hours).fill(0);
    let index = 0;
    for (let now = 0; now < hours * hour;) {
      const start = performance.now();
      const answers = await Promise.all(Array.from({ length: atOnce }, () => guess(index++)));
      now += (performance.now() - start) / 1000;
      const inHour = Math.floor(now / hour);
      answered[inHour] = (answered[inHour] ?? 0) + answers.filter(({ isWrong }) => isWrong).length;
      const waits = answers.map(({ retryAfter }) => retryAfter);
      if (!waits.every((wait) => wait !== undefined)) continue;
      const wait = Math.min(...waits);
      now += wait;
      await database.query("update attempts set expire = expire - $1::bigint", [wait * 1000]);
      await delay(refusalKept);
    }
    return answered;
  }
  const report = (what: string, answered: number[]) => {
    const sum = answered.reduce((total, count) => total + count, 0);
    print(`${what}: ${answered[0]} in the first hour, ${sum} in ${answered.length} hours`);
  };

  report("one account from one address", await guessFor(24, () => wrong("ada", "10.9.9.9")));
  report("any account from one address", await guessFor(3, (index) => wrong(`user${index}`, "10.9.9.9")));

  const ownersAnswers: Answer[] = [];
  const fromThousand = await guessFor(24, async (index) => {
    if (index % 40 === 0) ownersAnswers.push(await ownerSignsIn());
    return wrong(index % 2 ? "ada" : "ada@example.com", addresses[index % addresses.length] ?? "");
  });
  report("one account from a thousand addresses", fromThousand);
  const letIn = ownersAnswers.filter(({ isSignedIn }) => isSignedIn).length;
  print(`  its owner, from where they signed in before: let in ${letIn} times of ${ownersAnswers.length}`);

  await spray(20_000, (index) => wrong(`user${index}`, addresses[index % addresses.length] ?? ""));
  const { rows } = await database.query<{ rows: string; size: string }>(
    "select count(*) as rows, pg_size_pretty(pg_total_relation_size('attempts')) as size from attempts",
  );
  print(`the table then: ${rows[0]?.rows} rows, ${rows[0]?.size}`);

  const start = performance.now();
  let [answered, refused] = [0, 0];
  for (let batch = 0; batch < 20; batch++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => wrong("ada", "10.9.9.10")));
    answered += answers.filter(({ isWrong }) => isWrong).length;
    refused += answers.filter(({ retryAfter }) => retryAfter !== undefined).length;
  }
  const seconds = (performance.now() - start) / 1000;
  print(
    `a thousand for one account from one address, fifty at once: ${answered} answered, ${refused} refused`,
  );
  print(`  ${Math.round(1000 / seconds)} a second`);
}

/** As fast as the gateway hashes, for so many milliseconds. */
async function spray(time: number, guess: (index: number) => Promise<Answer>): Promise<void> {
  const end = performance.now() + time;
  let [index, answered] = [0, 0];
  const guessOneAfterAnother = async () => {
    while (performance.now() < end) if ((await guess(index++)).isWrong) answered++;
  };
  await Promise.all(Array.from({ length: 16 }, guessOneAfterAnother));
  const perSecond = answered / (time / 1000);
  print(
    `as many accounts from a thousand addresses: ${perSecond.toFixed(1)} a second, which is what is hashed;`,
  );
  print(`  in an hour no more than ${addresses.length * 100}, a hundred for each address`);
}

async function openDatabase(dataDirectory: string): Promise<Client> {
  const url = await findRunningPostgres(dataDirectory);
  if (url === undefined) throw new Error("the gateway's database is not up");
  const client = new Client({ connectionString: url });
  await client.connect();
  cleanUp.push(() => client.end());
  return client;
}

try {
  await attack();
} finally {
  for (const undo of cleanUp.toReversed()) await undo();
}

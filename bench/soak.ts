import { setTimeout as delay } from "node:timers/promises";
import { connections, loginLoad, meLoad } from "./contenders.ts";
import { onDatabase, registerAccounts, startGateway } from "./gateway.ts";
import { load } from "./load.ts";
import { startPostgres } from "./postgres.ts";
import { writeResult } from "./results.ts";
import type { Soak } from "./results.ts";
import { median } from "./statistics.ts";
import type { CleanUp } from "./undo.ts";

/** Lines printed, and looks at memory between two of them. */
const lines = 20;
const looksPerLine = 5;

/** Requests of each kind in a turn: every turn opens new sessions, so that whatever is kept of them adds up. */
const turn = { me: 4_000, login: 16 };

/** So few that none is refused, on whatever machine. */
const loginsAtOnce = 4;

/** Loads a gateway for so long, and tells whether its resident memory stays as it is. */
export async function soak(cleanUp: CleanUp, seconds: number): Promise<void> {
  const databaseUrl = await (await startPostgres(cleanUp)).createDatabase("gatehouse_soak");
  const gateway = await startGateway(cleanUp, { ...onDatabase(databaseUrl), ACCESS_TOKEN_TTL: "1d" });
  // Who signs in over and over ends the oldest of their sessions, so others ask for themselves.
  const accounts = await registerAccounts(gateway, connections + loginsAtOnce);
  const [asking, signingIn] = [accounts.slice(0, connections), accounts.slice(connections)];
  const end = performance.now() + seconds * 1000;
  let failures = 0;
  let answered = 0;
  const loading = (async () => {
    while (performance.now() < end) {
      for (const [given, amount] of [
        [meLoad(gateway, asking), turn.me],
        [loginLoad(gateway, signingIn), turn.login],
      ] as const) {
        failures += (await load(given, amount)).failures;
        answered += amount;
      }
    }
  })();

  const looks: number[] = [];
  for (let line = 1; line <= lines; line++) {
    for (let look = 0; look < looksPerLine; look++) {
      await Promise.race([delay((seconds * 1000) / lines / looksPerLine), gateway.child.ended]);
      looks.push(await gateway.child.memory());
    }
    const resident = median(looks.slice(-looksPerLine)) / 2 ** 20;
    const time = `${((seconds * line) / lines).toFixed(0)} s`;
    process.stdout.write(`${time.padStart(8)}  ${resident.toFixed(0)} MiB resident  ${answered} requests\n`);
  }
  await loading;

  const quarter = looks.length / 4;
  const result: Soak = {
    seconds,
    early: median(looks.slice(quarter, 2 * quarter)),
    late: median(looks.slice(3 * quarter)),
  };
  const change = (result.late / result.early - 1) * 100;
  process.stdout.write(`last quarter against the second: ${change.toFixed(1)} % more\n`);
  if (failures > 0) throw new Error(`${failures} requests were not answered rightly`);
  process.stdout.write(`written: ${await writeResult("soak.json", result)}\n`);
}

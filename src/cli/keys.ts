import { Command } from "commander";
import type { KeyRotation } from "../keys/key-rotation.ts";
import { operator } from "./operator.ts";
import { withDatabase } from "./with-app.ts";

const withKeys = (command: (keys: KeyRotation) => Promise<void>) =>
  withDatabase(async ({ orm, config, secrets, logger }) => {
    const { configuredKeys } = await import("../keys/configured-keys.ts");
    const { rotation } = configuredKeys(orm.em, config, secrets, logger);
    if (rotation === undefined)
      throw new Error(
        "JWT_ALGORITHM=HS256 signs with JWT_SECRET alone: change that one to sign everybody out.",
      );
    return command(rotation);
  });

const print = (line: string) => process.stdout.write(`${line}\n`);
const moment = (text: string) => new Date(text).toISOString();

export function keysCommand(): Command {
  const keys = new Command("keys").description(
    "the keys that sign tokens; running gateways follow within seconds",
  );
  keys
    .command("list")
    .description("list the published keys, those that sign next included")
    .action(() =>
      withKeys(async (rotation) => {
        for (const { kid, algorithm, state, since, until } of await rotation.list())
          print(
            [kid, algorithm, state.padEnd(9), `from ${moment(since)}`, until && `until ${moment(until)}`]
              .filter(Boolean)
              .join("  "),
          );
      }),
    );
  keys
    .command("rotate")
    .description("publish the next key, which signs after KEY_PUBLISH_AHEAD")
    .action(() =>
      withKeys(async (rotation) => {
        const { kid, signsFrom } = await rotation.rotate(operator());
        print(`${kid} signs from ${moment(signsFrom)}`);
      }),
    );
  keys
    .command("retire <kid>")
    .description("take a key out at once: what it signed is refused, so its holders sign in again")
    .action((kid: string) =>
      withKeys(async (rotation) => {
        const successor = await rotation.retire(kid, operator());
        print(`${kid} is retired`);
        if (successor) print(`${successor.kid} signs from now on`);
      }),
    );
  return keys;
}

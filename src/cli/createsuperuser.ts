import { Command } from "commander";
import { isInputObjectType } from "graphql";
import { read } from "read";
import type { RegisterInput } from "../accounts/account.inputs.ts";
import { InvalidInput } from "../errors.ts";
import { checkInput } from "../graphql/input-check.ts";
import { operator } from "./operator.ts";
import { withApp } from "./with-app.ts";

type Answers = Pick<RegisterInput, "email" | "username" | "password">;

export function createSuperuserCommand(): Command {
  return new Command("createsuperuser")
    .description(
      "make an account with isStaff and isSuperuser set; asks on a terminal for what is not given\n\n" +
        "For scripts: --email and --username, or GATEHOUSE_SUPERUSER_EMAIL and GATEHOUSE_SUPERUSER_USERNAME; the\n" +
        "password comes from GATEHOUSE_SUPERUSER_PASSWORD only, because arguments can be read by every user of a machine.",
    )
    .option("--email <email>", "the e-mail address")
    .option("--username <username>", "the username")
    .action((options: { email?: string; username?: string }) =>
      withApp(async ({ accounts, schema, service }) => {
        const answers: Answers = {
          email: options.email ?? (await ask("EMAIL", "Email: ")),
          username: options.username ?? (await ask("USERNAME", "Username: ")),
          password: await askPassword(),
        };
        const type = schema.getType("RegisterInput");
        if (!isInputObjectType(type)) throw new Error("The schema has no RegisterInput.");
        try {
          const input = (await checkInput(type, answers, {
            service,
            caller: nobody,
            client: here,
          })) as unknown as RegisterInput;
          const { username } = await accounts.createSuperuser(input, operator());
          process.stdout.write(`made the superuser ${username}\n`);
        } catch (error) {
          throw error instanceof InvalidInput ? new Error(linesOf(error)) : error;
        }
      }),
    );
}

const here = { ip: "", userAgent: null, abandoned: new AbortController().signal };

const nobody = () => Promise.reject(new Error("Nobody is signed in here."));

function linesOf(error: InvalidInput): string {
  return Object.entries(error.details.errors)
    .map(([field, messages]) => `${field}: ${messages.join(" ")}`)
    .join("\n");
}

async function ask(variable: string, prompt: string, silent = false): Promise<string> {
  const name = `GATEHOUSE_SUPERUSER_${variable}`;
  const given = process.env[name];
  if (given !== undefined) return given;
  if (!process.stdin.isTTY) throw new Error(`There is no terminal to ask on: set ${name}.`);
  return read({ prompt, silent });
}

async function askPassword(): Promise<string> {
  const password = await ask("PASSWORD", "Password: ", true);
  if (process.env["GATEHOUSE_SUPERUSER_PASSWORD"] !== undefined) return password;
  process.stdout.write("\n");
  const again = await ask("PASSWORD", "Password (again): ", true);
  process.stdout.write("\n");
  if (password !== again) throw new Error("The two passwords are not the same.");
  return password;
}

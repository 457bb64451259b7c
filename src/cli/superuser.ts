import { isInputObjectType } from "graphql";
import { read } from "read";
import type { RegisterInput } from "../accounts/account.inputs.ts";
import type { App } from "../app.ts";
import { InvalidInput } from "../errors.ts";
import { checkInput } from "../graphql/input-check.ts";
import { printable } from "../security/printable-text.ts";
import { operator } from "./operator.ts";

type Answers = Pick<RegisterInput, "email" | "username" | "password">;

/** Makes the account, asking for what is not given. @throws an Error with a line for each fault */
export async function makeSuperuser(
  { accounts, schema, service }: App,
  given: { email?: string; username?: string },
): Promise<void> {
  const answers: Answers = {
    email: given.email ?? (await ask("EMAIL", "Email: ")),
    username: given.username ?? (await ask("USERNAME", "Username: ")),
    password: await askPassword(),
  };
  refuseMisread(answers);
  const type = schema.getType("RegisterInput");
  if (!isInputObjectType(type)) throw new Error("The schema has no RegisterInput.");
  try {
    const input = (await checkInput(type, answers, {
      service,
      caller: nobody,
      client: here,
    })) as unknown as RegisterInput;
    const { username } = await accounts.createSuperuser(input, operator());
    process.stdout.write(`made the superuser ${printable(username)}\n`);
  } catch (error) {
    throw error instanceof InvalidInput ? new Error(linesOf(error)) : error;
  }
}

const here = { ip: "", userAgent: null, abandoned: new AbortController().signal };

const nobody = () => Promise.reject(new Error("Nobody is signed in here."));

/** Node replaces bytes of arguments, variables and terminals that are not UTF-8 by U+FFFD. */
function refuseMisread(answers: Answers): void {
  const misread = Object.entries(answers).filter(([, text]) => text.includes("\ufffd"));
  if (misread.length > 0)
    throw new Error(misread.map(([field]) => `${field}: This is not valid UTF-8.`).join("\n"));
}

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

import { expect } from "@jest/globals";
import { fieldErrorCatalogue } from "../../src/field-errors.ts";
import type { FieldErrorCode } from "../../src/field-errors.ts";
import type { Gateway, GraphqlAnswer } from "./gateway.ts";

export interface Tokens {
  token: string;
  refreshToken: string;
}

/** Registers an account that must be made. */
export async function register(gateway: Gateway, input: Record<string, unknown>): Promise<Tokens> {
  const answer = await gateway.graphql(
    "mutation ($input: RegisterInput!) { register(input: $input) { token refreshToken } }",
    { input },
  );
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data.register as Tokens;
}

/** The messages of the field errors of an answer that must have exactly one entry, with a code for each message. */
export function errorsOf({ errors }: GraphqlAnswer): Record<string, string[]> {
  const [entry, ...more] = errors ?? [];
  if (entry?.extensions.code !== "BAD_USER_INPUT" || more.length > 0)
    throw new Error(JSON.stringify(errors ?? null));
  expectCodes(entry.extensions);
  return entry.extensions.errors as Record<string, string[]>;
}

/** Checks that codes and parameters say what the messages say, by the same fields in the same order. */
export function expectCodes({ errors, errorCodes, errorParams }: Partial<Record<string, unknown>>): void {
  const spelledOut = Object.entries(errorCodes as Record<string, FieldErrorCode[]>).map(([field, codes]) => [
    field,
    codes.map((code, index) =>
      fieldErrorCatalogue[code].message.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
        String((errorParams as Record<string, Record<string, unknown>[]>)[field]?.[index]?.[name]),
      ),
    ),
  ]);
  expect(spelledOut).toEqual(Object.entries(errors as object));
}

/** The UNAUTHENTICATED reason of an answer that must have exactly one entry. */
export function reasonOf({ errors }: GraphqlAnswer): string {
  const [entry, ...more] = errors ?? [];
  if (entry?.extensions.code !== "UNAUTHENTICATED" || more.length > 0)
    throw new Error(JSON.stringify(errors ?? null));
  return entry.extensions.reason as string;
}

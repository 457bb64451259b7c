import { expect } from "@jest/globals";
import type { Gateway, GraphqlAnswer } from "./gateway.ts";

/** The one entry of an answer while the database is out. */
export function expectUnavailable({ status, errors }: GraphqlAnswer): void {
  expect(status).toBe(200);
  expect(errors).toEqual([
    expect.objectContaining({
      message: "The service is temporarily unavailable. Try again in a moment.",
      extensions: { code: "SERVICE_UNAVAILABLE", retryAfter: 5 },
    }),
  ]);
}

export const statusOf = async ({ url }: Gateway, path: string) => (await fetch(`${url}${path}`)).status;

/** What needs no database is answered as ever, and `/health` tells the two apart. */
export async function expectTheRestToServe(gateway: Gateway, token: string): Promise<void> {
  expect(await statusOf(gateway, "/health/live")).toBe(200);
  expect(await statusOf(gateway, "/.well-known/jwks.json")).toBe(200);
  const { data } = await gateway.graphql("{ __schema { queryType { name } } }");
  expect(data).toEqual({ __schema: { queryType: { name: "Query" } } });
  const forged = await gateway.graphql("{ me { id } }", {}, `Token ${token.slice(0, -8)}AAAAAAAA`);
  expect(forged.errors?.[0].extensions.reason).toBe("TOKEN_INVALID");
  expect(await statusOf(gateway, "/health/ready")).toBe(503);
}

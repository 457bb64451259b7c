import { expect } from "@jest/globals";
import type { Verifier, VerifierOptions } from "../../src/verify/verifier.ts";
import { createVerifier } from "../../src/verify/verifier.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { audience, issuer } from "./tokens.ts";

const open = new Set<Verifier>();

/** All that waits does so fifty times shorter than usual, but for keys: those are loaded once. */
const quick = { requestTimeout: 0.3, startTimeout: 0.5, heartbeat: 0.1, longestPause: 0.1 };

export function verifierFor(gateway: FakeGateway, options: Partial<VerifierOptions> = {}): Verifier {
  const { jwksUri, revocations } = gateway;
  const { timings, ...rest } = options;
  const verifier = createVerifier({
    issuer,
    audience,
    jwksUri,
    revocations,
    timings: { ...quick, ...timings },
    ...rest,
  });
  open.add(verifier);
  return verifier;
}

/** Without the feed of revoked sessions. */
export function keysOnlyVerifierFor(gateway: FakeGateway, options: Partial<VerifierOptions> = {}): Verifier {
  const { timings, ...rest } = options;
  const verifier = createVerifier({
    issuer,
    audience,
    jwksUri: gateway.jwksUri,
    timings: { ...quick, ...timings },
    ...rest,
  });
  open.add(verifier);
  return verifier;
}

/** Ends what a test made, also when it failed half-way. */
export async function closeAll(): Promise<void> {
  for (const verifier of open) verifier.close();
  open.clear();
  await FakeGateway.stopAll();
}

/** The reason and message of a refusal; undefined where the token is accepted. */
export async function refusal(verifier: Verifier, token: string | undefined): Promise<string | undefined> {
  try {
    await verifier.verify(token);
    return undefined;
  } catch (error) {
    const { name, reason, message } = error as { name: string; reason: string; message: string };
    expect(name).toBe("VerificationError");
    expect(message).toBe(messages[reason]);
    return reason;
  }
}

const messages: Record<string, string> = {
  TOKEN_MISSING: "Authentication credentials were not provided.",
  TOKEN_INVALID: "Invalid authentication. Could not decode token.",
  TOKEN_EXPIRED: "Token has expired.",
  TOKEN_REVOKED: "Token has been revoked.",
  VERIFIER_UNAVAILABLE: "The token cannot be verified right now.",
};

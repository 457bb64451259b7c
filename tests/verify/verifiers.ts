import { expect } from "@jest/globals";
import type { Verifier, VerifierOptions } from "../../src/verify/verifier.ts";
import { createVerifier } from "../../src/verify/verifier.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { audience, issuer } from "./tokens.ts";

const open = new Set<Verifier>();

/** What fails is tried again at once, and the stream is given up sooner; the rest is as usual. */
const quick = { startTimeout: 15, heartbeat: 0.2, longestPause: 0.1 };

/** For those that are not to get what they wait for. */
export const impatient = { requestTimeout: 0.3, startTimeout: 0.5 };

export function verifierFor(gateway: FakeGateway, options: Partial<VerifierOptions> = {}): Verifier {
  const { jwksUri, revocations } = gateway;
  return made({ issuer, audience, jwksUri, revocations, ...options });
}

/** Without the feed of revoked sessions. */
export function keysOnlyVerifierFor(gateway: FakeGateway, options: Partial<VerifierOptions> = {}): Verifier {
  const { jwksUri } = gateway;
  return made({ issuer, audience, jwksUri, ...options });
}

function made(options: VerifierOptions): Verifier {
  const verifier = createVerifier({ ...options, timings: { ...quick, ...options.timings } });
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

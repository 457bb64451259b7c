const messages = {
  TOKEN_MISSING: "Authentication credentials were not provided.",
  TOKEN_INVALID: "Invalid authentication. Could not decode token.",
  TOKEN_EXPIRED: "Token has expired.",
  TOKEN_REVOKED: "Token has been revoked.",
  VERIFIER_UNAVAILABLE: "The token cannot be verified right now.",
} as const;

/** The API's own reasons; VERIFIER_UNAVAILABLE says nothing about the token, but that we know too little to judge it. */
export type VerificationReason = keyof typeof messages;

/** Why a token was not accepted. Its message is fit for the caller; its `cause` is for the log only. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
  readonly reason: VerificationReason;

  constructor(reason: VerificationReason, options?: { cause?: unknown }) {
    super(messages[reason], options);
    this.reason = reason;
  }
}

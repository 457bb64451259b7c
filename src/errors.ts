import type { FieldError, FieldErrorCode } from "./field-errors.ts";

/** Field name -> what is wrong with it, in the order of the input's fields; `error` holds what belongs to no field. */
export type FieldErrors = Record<string, FieldError[]>;

/** Why a request counts as not signed in: `extensions.reason` beside the code UNAUTHENTICATED. */
export const unauthenticatedMessages = {
  TOKEN_MISSING: "Authentication credentials were not provided.",
  TOKEN_INVALID: "Invalid authentication. Could not decode token.",
  TOKEN_EXPIRED: "Token has expired.",
  TOKEN_REVOKED: "Token has been revoked.",
  USER_NOT_FOUND: "No user matching this token was found.",
  USER_DEACTIVATED: "This user has been deactivated.",
} as const;

export type UnauthenticatedReason = keyof typeof unauthenticatedMessages;

/** A failure whose message, code and details are meant for the caller; every other error is internal. */
export abstract class CallerError extends Error {
  abstract readonly code: string;
  /** What stands beside `code` in `extensions`. */
  abstract readonly details: Record<string, unknown>;
}

/** Messages, codes and parameters of the same field errors, each by the same fields in the same order. */
interface InvalidInputDetails extends Record<string, unknown> {
  errors: Record<string, string[]>;
  errorCodes: Record<string, FieldErrorCode[]>;
  /** Left out where no message has a parameter. */
  errorParams?: Record<string, FieldError["parameters"][]>;
}

export class InvalidInput extends CallerError {
  readonly code = "BAD_USER_INPUT";
  readonly details: InvalidInputDetails;

  constructor(errors: FieldErrors) {
    // What belongs to no field (a misspelt name) is often the cause of the rest.
    const [field = "error"] = errors["error"] ? [] : Object.keys(errors);
    const first = errors[field]?.[0]?.message ?? "Invalid input.";
    super(field === "error" ? first : `${field}: ${first}`);
    const hasParameters = Object.values(errors)
      .flat()
      .some(({ parameters }) => Object.keys(parameters).length > 0);
    this.details = {
      errors: mapErrors(errors, ({ message }) => message),
      errorCodes: mapErrors(errors, ({ code }) => code),
      ...(hasParameters && { errorParams: mapErrors(errors, ({ parameters }) => parameters) }),
    };
  }
}

function mapErrors<Part>(errors: FieldErrors, partOf: (error: FieldError) => Part): Record<string, Part[]> {
  return Object.fromEntries(Object.entries(errors).map(([field, list]) => [field, list.map(partOf)]));
}

export class Unauthenticated extends CallerError {
  readonly code = "UNAUTHENTICATED";
  readonly details: { reason: UnauthenticatedReason };

  constructor(reason: UnauthenticatedReason) {
    super(unauthenticatedMessages[reason]);
    this.details = { reason };
  }
}

/** A registration was taken, and only a sign-in tells what came of it (see REGISTRATION_PRIVACY). */
export class SignInRequired extends CallerError {
  readonly code = "SIGN_IN_REQUIRED";
  readonly details = {};

  constructor() {
    super("If the email and the username were free, the account is made. Sign in to go on.");
  }
}

/** A resource that the answer needs is unavailable; the request itself was not refused. */
export class ServiceUnavailable extends CallerError {
  readonly code = "SERVICE_UNAVAILABLE";
  readonly details: { retryAfter?: number };

  /**
   * @param retryAfter whole seconds to wait before the next try, where that is known
   * @param cause for the log
   */
  constructor({ retryAfter, cause }: { retryAfter?: number; cause?: unknown } = {}) {
    super("The service is temporarily unavailable. Try again in a moment.", { cause });
    this.details = retryAfter === undefined ? {} : { retryAfter };
  }
}

/** Interrupted during a hash: the attempt is not given back, because it may have tested a wrong password. */
export class HashInterrupted extends ServiceUnavailable {}

/** The caller may not see this, signed in or not. */
export class Forbidden extends CallerError {
  readonly code = "FORBIDDEN";
  readonly details = {};
}

/** The object does not exist or belongs to another user: the two must be indistinguishable. */
export class NotFound extends CallerError {
  readonly code = "NOT_FOUND";
  readonly details = {};
}

export class TooManyRequests extends CallerError {
  readonly code = "TOO_MANY_REQUESTS";
  readonly details: { retryAfter: number };

  /** @param retryAfter whole seconds to wait before the next try */
  constructor(retryAfter: number) {
    super(`Request was throttled. Expected available in ${retryAfter} second${retryAfter === 1 ? "" : "s"}.`);
    this.details = { retryAfter };
  }
}

import type { EntityManager } from "@mikro-orm/postgresql";
import { InvalidInput, TooManyRequests } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import { recordEvents } from "../events/event-record.ts";
import { RepeatedEvents } from "../events/repeated-events.ts";
import type { Client } from "../graphql/context.ts";

const notFound = { error: [FieldError.of("CREDENTIALS_INVALID")] };
const deactivated = { error: [FieldError.of("USER_DEACTIVATED")] };

/** Records the sign-ins that fail, but not the name that was tried: people type passwords there. */
export class SignInFailures {
  private readonly em: EntityManager;
  private readonly repeatedEvents: RepeatedEvents;

  constructor(em: EntityManager) {
    this.em = em;
    this.repeatedEvents = new RepeatedEvents(em);
  }

  /** @throws InvalidInput under `error`, when that is recorded */
  async refuse(cause: string, userId: string | undefined, client: Client): Promise<never> {
    await recordEvents(this.em.fork(), failure(cause, userId), client);
    throw new InvalidInput(cause === "USER_DEACTIVATED" ? deactivated : notFound);
  }

  /** Throws the error on. Too many attempts are recorded once an hour, as they go on for as long as somebody likes. */
  async throwOn(error: unknown, counted: string, userId: string | undefined, client: Client): Promise<never> {
    if (error instanceof TooManyRequests)
      await this.repeatedEvents.record(counted, failure("TOO_MANY_ATTEMPTS", userId), client);
    throw error;
  }
}

function failure(cause: string, userId: string | undefined) {
  return { types: ["SIGN_IN_FAILED"], outcome: "failure", cause, userId } as const;
}

import { randomUUID } from "node:crypto";
import { clock } from "../timing/clock.ts";
import type { EventOrigin } from "../events/event-record.ts";
import type { ExtraClaims } from "../security/extra-claims.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import type { AuthenticationService } from "../sessions/authentication.service.ts";
import type { Caller } from "../sessions/caller.ts";
import { sessionVariables } from "./session-variables.ts";

/** Seconds: for the request at hand, and what the application asks of others to answer it. */
const shortLife = 60;

/** Tells a proxy whether a request may pass, and whose it is. */
export class ForwardAuthService {
  private readonly authentication: AuthenticationService;
  private readonly tokens: SessionTokens;
  private readonly claims: ExtraClaims;

  constructor(authentication: AuthenticationService, tokens: SessionTokens, claims: ExtraClaims) {
    this.authentication = authentication;
    this.tokens = tokens;
    this.claims = claims;
  }

  /** @throws Unauthenticated with the reason */
  verify(accessToken: string | undefined, client: EventOrigin): Promise<Caller> {
    return this.authentication.authenticate(accessToken, client);
  }

  /**
   * An access token of the same session for the application, with an audience that the gateway refuses: a service that
   * reads it cannot act as the user here, nor trade it for another one. It never outlives the token it is made from, and
   * is never dated before it: the first tokens after a change of password may be dated to the next second.
   * @param accessToken of the caller @throws Unauthenticated when it has expired meanwhile
   */
  shortToken(accessToken: string, { user, sessionId, expiresAt }: Caller): string {
    const issuedAt = Math.max(clock.seconds(), this.tokens.verifyAccess(accessToken).issuedAt);
    const end = Math.min(issuedAt + shortLife, Math.floor(expiresAt.getTime() / 1000));
    const subject = { userId: user.id, sessionId, jti: `${sessionId}.${randomUUID()}` };
    return this.tokens.signForwarded(subject, { issuedAt, expiresAt: end }, this.claims.inToken(user));
  }

  /** For Hasura's webhook mode. */
  sessionVariables(caller: Caller): Record<string, string> {
    return sessionVariables(caller, this.claims.of(caller.user));
  }
}

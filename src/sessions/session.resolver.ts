import { Arg, Args, Ctx, Mutation, Resolver } from "type-graphql";
import type { Context } from "../graphql/context.ts";
import { CredentialOperation } from "../graphql/credential-operations.ts";
import { JwtScalar } from "../graphql/scalars.ts";
import { AuthPayload } from "./auth-payload.type.ts";
import { LogoutArgs, LogoutPayload } from "./logout.type.ts";
import { SessionService } from "./session.service.ts";

@Resolver()
export class SessionResolver {
  private readonly sessions: SessionService;

  constructor(sessions: SessionService) {
    this.sessions = sessions;
  }

  @CredentialOperation()
  @Mutation(() => AuthPayload, {
    description:
      "Exchanges a refresh token for a new pair of tokens. The token used is spent: sent again within REFRESH_GRACE it " +
      "yields the present pair. Later, it yields a new pair if no token of the lost answer has been used; that answer must " +
      "not be used any more. Otherwise it counts as stolen and ends the session (UNAUTHENTICATED, TOKEN_REVOKED).",
  })
  refreshToken(
    @Arg("refreshToken", () => JwtScalar, { description: "The newest refresh token of the session." })
    refreshToken: string,
    @Ctx() { client }: Context,
  ): Promise<AuthPayload> {
    return this.sessions.refreshToken(refreshToken, client);
  }

  @Mutation(() => LogoutPayload, {
    description:
      "Signs out by the Authorization header or, when that token has expired, by refreshToken. Ended sessions are " +
      "refused on the very next request. Signing out twice is no error.",
  })
  async logout(
    @Args(() => LogoutArgs) { scope, refreshToken }: LogoutArgs,
    @Ctx() { accessToken, client }: Context,
  ): Promise<LogoutPayload> {
    const tokens = { accessToken, refreshToken: refreshToken ?? undefined };
    return { revokedSessions: await this.sessions.logout(tokens, scope, client) };
  }
}

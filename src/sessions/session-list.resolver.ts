import { Arg, Args, Authorized, Ctx, FieldResolver, ID, Mutation, Resolver, Root } from "type-graphql";
import { ownSessionOf } from "../accounts/user-visibility.ts";
import { UserType } from "../accounts/user.type.ts";
import { InvalidInput } from "../errors.ts";
import type { Context } from "../graphql/context.ts";
import { CurrentCaller } from "../graphql/current-caller.ts";
import type { Caller } from "./caller.ts";
import { SessionList } from "./session-list.service.ts";
import { RevokeSessionPayload, SessionConnection, SessionsArgs } from "./session.type.ts";

/** Aliases and references could ask for the same list a thousand times. */
const mostPerRequest = 1_000;

/** A page costs a query, however small it is. */
const leastPerPage = 20;

@Resolver(() => UserType)
export class SessionListResolver {
  private readonly sessionList: SessionList;
  private readonly asked = new WeakMap<Context, number>();

  constructor(sessionList: SessionList) {
    this.sessionList = sessionList;
  }

  @FieldResolver(() => SessionConnection, {
    description:
      "The live sessions of the user: the current one first, then the newest sign-in first. A request may ask for " +
      "1,000 at most, all pages together, of which each counts as 20 or more.",
  })
  sessions(
    @Root() user: UserType,
    @Args(() => SessionsArgs) page: SessionsArgs,
    @Ctx() context: Context,
  ): Promise<SessionConnection> {
    const asked = (this.asked.get(context) ?? 0) + Math.max(leastPerPage, page.first);
    this.asked.set(context, asked);
    if (asked > mostPerRequest)
      throw new InvalidInput({ first: [`Ask for less at once: ${mostPerRequest} sessions at most.`] });
    return this.sessionList.list({ userId: user.id, sessionId: ownSessionOf(user) }, page);
  }

  @Authorized()
  @Mutation(() => RevokeSessionPayload, {
    description:
      "Ends one session of the user, the current one too; it is refused on its very next request. Ending it twice is " +
      "no error. An id of nobody's or of another user's is NOT_FOUND.",
  })
  async revokeSession(
    @Arg("id", () => ID, { description: "The session's id." }) id: string,
    @CurrentCaller() caller: Caller,
    @Ctx() { client }: Context,
  ): Promise<RevokeSessionPayload> {
    return { session: await this.sessionList.revokeSession(id, caller, client) };
  }
}

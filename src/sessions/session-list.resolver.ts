import { Arg, Args, Authorized, Ctx, FieldResolver, ID, Mutation, Resolver, Root } from "type-graphql";
import { ownSessionOf } from "../accounts/user-visibility.ts";
import { UserType } from "../accounts/user.type.ts";
import type { Context } from "../graphql/context.ts";
import { CurrentCaller } from "../graphql/current-caller.ts";
import { PageArgs, PageBudget } from "../graphql/paging.ts";
import type { Caller } from "./caller.ts";
import { SessionList } from "./session-list.service.ts";
import { RevokeSessionPayload, SessionConnection } from "./session.type.ts";

@Resolver(() => UserType)
export class SessionListResolver {
  private readonly sessionList: SessionList;
  private readonly budget = new PageBudget("sessions");

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
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() context: Context,
  ): Promise<SessionConnection> {
    this.budget.spend(page, context);
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

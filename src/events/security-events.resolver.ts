import { Args, Ctx, FieldResolver, Resolver, Root } from "type-graphql";
import { UserType } from "../accounts/user.type.ts";
import type { Context } from "../graphql/context.ts";
import { PageArgs, PageBudget } from "../graphql/paging.ts";
import { SecurityEventConnection } from "./security-event.type.ts";
import { SecurityEvents } from "./security-events.service.ts";

@Resolver(() => UserType)
export class SecurityEventsResolver {
  private readonly securityEvents: SecurityEvents;
  private readonly budget = new PageBudget("security events");

  constructor(securityEvents: SecurityEvents) {
    this.securityEvents = securityEvents;
  }

  // Who may read it: accounts/user-visibility.ts.
  @FieldResolver(() => SecurityEventConnection, {
    name: "securityEvents",
    description:
      "What happened to the account, the newest first: sign-ins and failed ones, sign-outs, changes of email and " +
      "password. Events older than AUTH_EVENTS_RETENTION are gone. A request may ask for 1,000 at most, all pages " +
      "together, of which each counts as 20 or more.",
  })
  listSecurityEvents(
    @Root() user: UserType,
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() context: Context,
  ): Promise<SecurityEventConnection> {
    this.budget.spend(page, context);
    return this.securityEvents.list(user.id, page);
  }
}

import { ArgsType, Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { JwtScalar } from "../graphql/scalars.ts";

export const LogoutScope = { CURRENT: "CURRENT", OTHERS: "OTHERS", ALL: "ALL" } as const;
export type LogoutScope = keyof typeof LogoutScope;

registerEnumType(LogoutScope, {
  name: "LogoutScope",
  description: "Which sessions of the user a sign-out ends.",
  valuesConfig: {
    CURRENT: { description: "The session that the token belongs to." },
    OTHERS: { description: "Every session of the user but the current one." },
    ALL: { description: "Every session of the user, the current one included." },
  },
});

@ObjectType({ description: "What a sign-out ended.", simpleResolvers: true })
export class LogoutPayload {
  @Field(() => Int, {
    description: "How many live sessions were ended; 0 when there was nothing left to end.",
  })
  revokedSessions!: number;
}

/** One class, because TypeGraphQL turns the order of single arguments round, and the order is that of the errors. */
@ArgsType()
export class LogoutArgs {
  @Field(() => LogoutScope, {
    defaultValue: LogoutScope.CURRENT,
    description: "Which of the user's sessions to end.",
  })
  scope!: LogoutScope;

  @Field(() => JwtScalar, {
    nullable: true,
    description: "Speaks for the session when the access token has expired or is not at hand.",
  })
  refreshToken?: string | null;
}

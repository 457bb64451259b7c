import { Field, Int, ObjectType, registerEnumType } from "type-graphql";

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

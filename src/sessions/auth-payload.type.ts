import { Field, ObjectType } from "type-graphql";
import { UserType } from "../accounts/user.type.ts";
import { DateTimeScalar, JwtScalar } from "../graphql/scalars.ts";

@ObjectType({ description: "A sign-in: the account and its pair of tokens.", simpleResolvers: true })
export class AuthPayload {
  @Field(() => UserType, { description: "The account that is signed in." })
  user!: UserType;

  @Field(() => JwtScalar, {
    description: "The access token: send it as `Authorization: Token <token>`.",
  })
  token!: string;

  @Field(() => DateTimeScalar, { description: "When the access token expires." })
  expiresAt!: Date;

  @Field(() => JwtScalar, {
    description:
      "Good for one `refreshToken`, which answers with the next one. Keep it where scripts cannot read it.",
  })
  refreshToken!: string;

  @Field(() => DateTimeScalar, {
    description:
      "When the refresh token, and with it the session, expires unless refreshed before. A session that is not used ends after SESSION_IDLE_TTL, if that is sooner.",
  })
  refreshTokenExpiresAt!: Date;
}

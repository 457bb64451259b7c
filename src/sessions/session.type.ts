import { Field, ID, ObjectType } from "type-graphql";
import { PageInfo } from "../graphql/paging.ts";
import { DateTimeScalar } from "../graphql/scalars.ts";

@ObjectType("Session", { description: "One sign-in on one device, until it ends.", simpleResolvers: true })
export class SessionType {
  @Field(() => ID, { description: "A UUID (version 7): `sid` in the tokens of the session." })
  id!: string;

  @Field(() => Boolean, { description: "Whether it is the session that asks." })
  current!: boolean;

  @Field(() => DateTimeScalar, { description: "When the user signed in." })
  createdAt!: Date;

  @Field(() => DateTimeScalar, { description: "When it was last used, to the minute." })
  lastUsedAt!: Date;

  @Field(() => DateTimeScalar, { description: "When it ends unless it is used before." })
  expiresAt!: Date;

  @Field(() => DateTimeScalar, { nullable: true, description: "When it was ended; null while it lives." })
  revokedAt!: Date | null;

  @Field(() => String, { nullable: true, description: "The address that the sign-in came from." })
  ip!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "What the device said of itself at the sign-in: at most 512 characters that anybody can make up.",
  })
  userAgent!: string | null;
}

@ObjectType({ description: "A session in a list, with its place in it.", simpleResolvers: true })
export class SessionEdge {
  @Field(() => String, { description: "The place in the list, for `after`." })
  cursor!: string;

  @Field(() => SessionType, { description: "The session itself." })
  node!: SessionType;
}

@ObjectType({ description: "A page of sessions (Relay).", simpleResolvers: true })
export class SessionConnection {
  @Field(() => [SessionEdge], { description: "The sessions, each with its cursor." })
  edges!: SessionEdge[];

  @Field(() => PageInfo, { description: "Whether there is more, and where to go on." })
  pageInfo!: PageInfo;
}

@ObjectType({ description: "The outcome of revokeSession.", simpleResolvers: true })
export class RevokeSessionPayload {
  @Field(() => SessionType, { description: "The ended session, with `revokedAt` set." })
  session!: SessionType;
}

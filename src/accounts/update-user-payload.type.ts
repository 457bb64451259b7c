import { Field, ObjectType } from "type-graphql";
import { AuthPayload } from "../sessions/auth-payload.type.ts";
import { UserType } from "./user.type.ts";

@ObjectType({ description: "The outcome of updateUser.", simpleResolvers: true })
export class UpdateUserPayload {
  @Field(() => UserType, { description: "The account as it is now." })
  user!: UserType;

  @Field(() => AuthPayload, {
    nullable: true,
    description:
      "The new session after a change of password, with its pair of tokens; null otherwise. Every older token of the user has " +
      "ended, that of the request included: a client that does not select this field has to sign in again.",
  })
  session!: AuthPayload | null;
}

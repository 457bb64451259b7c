import { Field, ObjectType } from "type-graphql";
import { UserType } from "./user.type.ts";

@ObjectType({ description: "The outcome of updateUser.", simpleResolvers: true })
export class UpdateUserPayload {
  @Field(() => UserType, { description: "The account as it is now." })
  user!: UserType;
}

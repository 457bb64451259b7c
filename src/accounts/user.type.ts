import { Directive, Field, ID, ObjectType } from "type-graphql";
import { DateScalar, DateTimeScalar } from "../graphql/scalars.ts";
import type { User } from "./user.entity.ts";

/** The columns that may leave the service; a new column stays inside until it is named here. */
type PublicColumn =
  | "id"
  | "email"
  | "username"
  | "bio"
  | "fullName"
  | "birthDate"
  | "isActive"
  | "isStaff"
  | "createdAt"
  | "updatedAt";

@Directive('@key(fields: "id")')
@ObjectType("User", { description: "An account: somebody who can sign in.", simpleResolvers: true })
export class UserType implements Pick<User, PublicColumn> {
  @Field(() => ID, { description: "A UUID (version 7) that never changes." })
  id!: string;

  @Field(() => String, {
    description: "The e-mail address, unique without regard to case. The domain is in lower case.",
  })
  email!: string;

  @Field(() => String, {
    description: "The name to sign in with, unique without regard to case and Unicode form.",
  })
  username!: string;

  @Field(() => String, { nullable: true, description: "What the user says about themselves." })
  bio!: string | null | undefined;

  @Field(() => String, { nullable: true, description: "The name as the user writes it." })
  fullName!: string | null | undefined;

  @Field(() => DateScalar, { nullable: true, description: "The day of birth." })
  birthDate!: string | null | undefined;

  @Field(() => Boolean, { description: "False once the account is deactivated: it can no longer sign in." })
  isActive!: boolean;

  @Field(() => Boolean, { description: "Whether the user belongs to the staff." })
  isStaff!: boolean;

  @Field(() => DateTimeScalar, { description: "When the account was made." })
  createdAt!: Date;

  @Field(() => DateTimeScalar, { description: "When the account was last changed." })
  updatedAt!: Date;
}

import { Field, InputType } from "type-graphql";
import { CheckedAsWhole, Text } from "../graphql/input-rules.ts";
import { DateScalar } from "../graphql/scalars.ts";
import type { Caller } from "../sessions/caller.ts";
import {
  bioText,
  emailText,
  fullNameText,
  knownPasswordText,
  newPasswordText,
  usernameText,
} from "./account.rules.ts";
import { Throttle } from "../throttling/throttle.service.ts";
import { PasswordRules } from "./password-rules.ts";
import { Reauthentication } from "./reauthentication.ts";
import { asksForName, TakenNames } from "./taken-names.ts";

@InputType({ description: "A new account: both names and a password are needed, the rest can follow later." })
@CheckedAsWhole<RegisterInput>(async (input, { service, client }) => {
  const taken = () => service(TakenNames).toldBeforehand(input);
  return {
    ...(await service(Throttle).registration(client.ip, taken)),
    ...(await service(PasswordRules).check(input.password, input)),
  };
})
export class RegisterInput {
  @Field(() => String, {
    description:
      "At most 254 characters; no other account may have it, in any case, or have had it within NAME_REUSE_AFTER.",
  })
  @Text(emailText)
  email!: string;

  @Field(() => String, {
    description:
      "At most 255 characters, anything but blank; no other account may have it, in any case, or have had it within NAME_REUSE_AFTER.",
  })
  @Text(usernameText)
  username!: string;

  @Field(() => String, {
    description:
      "8 to 128 characters, kept exactly as typed; none of the commonest, and not made of the email, the username or the full name, unless PASSWORD_CHECKS is off.",
  })
  @Text(newPasswordText)
  password!: string;

  @Field(() => String, { nullable: true, description: "What the user says about themselves; not blank." })
  @Text(bioText)
  bio?: string | null;

  @Field(() => String, { nullable: true, description: "At most 20,000 characters; not blank." })
  @Text(fullNameText)
  fullName?: string | null;

  @Field(() => DateScalar, { nullable: true, description: "The day of birth." })
  birthDate?: string | null;
}

@InputType({ description: "One of email and username, and the password." })
@CheckedAsWhole<LoginInput>(({ email, username }) =>
  email != null && username != null ? { error: ["Give either email or username, not both."] } : {},
)
export class LoginInput {
  @Field(() => String, {
    nullable: true,
    description: "The account's e-mail address, in any case. Required unless username is given.",
  })
  @Text({ ...usernameText, requiredWithout: "username" })
  email?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The account's username, in any case, instead of email.",
  })
  @Text(usernameText)
  username?: string | null;

  @Field(() => String, { description: "The password, exactly as it was set." })
  @Text(knownPasswordText)
  password!: string;
}

@InputType({
  description: "A field that is left out stays as it is; null clears bio, fullName and birthDate.",
})
@CheckedAsWhole<UpdateUserInput>(async (input, { service, caller, client }) => {
  const current = (await caller()) as Caller;
  const taken = () => service(TakenNames).toldBeforehand(input, current);
  return {
    // It tells as much as a registration.
    ...(await (asksForName(input, current) ? service(Throttle).registration(client.ip, taken) : taken())),
    ...(await service(PasswordRules).check(input.password, {
      email: input.email ?? current.user.email,
      username: input.username ?? current.user.username,
      fullName: input.fullName === undefined ? current.user.fullName : input.fullName,
    })),
    ...(await service(Reauthentication).check(input, current, client)),
  };
})
export class UpdateUserInput {
  @Field(() => String, {
    nullable: true,
    description:
      "A new e-mail address: at most 254 characters, of no other account in any case, now or within NAME_REUSE_AFTER. It cannot be cleared.",
  })
  @Text({ ...emailText, nullable: false })
  email?: string;

  @Field(() => String, {
    nullable: true,
    description:
      "A new username: at most 255 characters, not blank, of no other account in any case, now or within NAME_REUSE_AFTER. It cannot be cleared.",
  })
  @Text({ ...usernameText, nullable: false })
  username?: string;

  @Field(() => String, {
    nullable: true,
    description:
      "A new password, with the rules of register. It ends every session of the user: see `session` of the answer.",
  })
  @Text({ ...newPasswordText, nullable: false })
  password?: string;

  @Field(() => String, {
    nullable: true,
    description:
      "The present password: needed to change email, username or password once the sign-in is older than REAUTHENTICATE_AFTER, " +
      "and the email at any time with REGISTRATION_PRIVACY.",
  })
  @Text(knownPasswordText)
  currentPassword?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "What the user says about themselves; not blank, null clears it.",
  })
  @Text(bioText)
  bio?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "At most 20,000 characters; not blank, null clears it.",
  })
  @Text(fullNameText)
  fullName?: string | null;

  @Field(() => DateScalar, { nullable: true, description: "The day of birth; null clears it." })
  birthDate?: string | null;
}

import { Field, InputType } from "type-graphql";
import { FieldError } from "../field-errors.ts";
import { CheckedAsWhole, Text } from "../graphql/input-rules.ts";
import type { WholeInputCheck } from "../graphql/input-rules.ts";
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
import { NameCheck } from "./names/name-check.ts";
import { PasswordRules } from "./password-rules.ts";
import { Reauthentication } from "./reauthentication.ts";
import { UsernameRules } from "./names/username-rules.ts";

const checkNewUsername: WholeInputCheck<RegisterInput> = ({ username }, { service }) =>
  service(UsernameRules).check(username);

const checkChangedUsername: WholeInputCheck<UpdateUserInput> = async ({ username }, { service, caller }) =>
  service(UsernameRules).check(username, ((await caller()) as Caller).user.username);

@InputType({ description: "A new account: both names and a password are needed, the rest can follow later." })
@CheckedAsWhole<RegisterInput>((input, { service, client }, faults) => {
  const checkRest = () => service(PasswordRules).check(input.password, input);
  return service(NameCheck).registration({ names: input, client, faults, checkRest });
}, checkNewUsername)
export class RegisterInput {
  @Field(() => String, {
    description:
      "At most 254 characters; no other account may have it, in any case, or have had it within NAME_REUSE_AFTER.",
  })
  @Text(emailText)
  email!: string;

  @Field(() => String, {
    description:
      "At most 255 characters, not blank; no other account may have it, in any case, or have had it within " +
      "NAME_REUSE_AFTER. Without @, line breaks, control characters and invisible characters, unless USERNAME_RULES is as-recorded.",
  })
  @Text(usernameText)
  username!: string;

  @Field(() => String, {
    description:
      "8 to 128 characters, never trimmed; none of the commonest, and not made of the email, the username or the full name, unless PASSWORD_CHECKS is off.",
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
  email != null && username != null ? { error: [FieldError.of("EMAIL_AND_USERNAME")] } : {},
)
export class LoginInput {
  @Field(() => String, {
    nullable: true,
    description:
      "The account's e-mail address, in any case. Required unless username is given. A form with one box for both sends " +
      "what contains @ as email, and anything else as username.",
  })
  @Text({ ...usernameText, requiredWithout: "username" })
  email?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The account's username, in any case, instead of email. It may contain @ only in accounts older than that rule.",
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
@CheckedAsWhole<UpdateUserInput>(async (input, { service, caller, client }, faults) => {
  const current = (await caller()) as Caller;
  const checkRest = async () => ({
    ...(await service(PasswordRules).check(input.password, {
      email: input.email ?? current.user.email,
      username: input.username ?? current.user.username,
      fullName: input.fullName === undefined ? current.user.fullName : input.fullName,
    })),
    ...(await service(Reauthentication).check(input, current, client)),
  });
  return service(NameCheck).change({ names: input, client, faults, checkRest }, current);
}, checkChangedUsername)
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
    description: "A new username, with the rules of register. It cannot be cleared.",
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

import { Arg, Authorized, Ctx, Mutation, Query, Resolver } from "type-graphql";
import type { Context } from "../graphql/context.ts";
import { CredentialOperation } from "../graphql/credential-operations.ts";
import { AlwaysHashes } from "../graphql/hash-refusals.ts";
import { CurrentCaller } from "../graphql/current-caller.ts";
import { AuthPayload } from "../sessions/auth-payload.type.ts";
import type { Caller } from "../sessions/caller.ts";
import { LoginInput, RegisterInput, UpdateUserInput } from "./account.inputs.ts";
import { AccountService } from "./account.service.ts";
import { UpdateUserPayload } from "./update-user-payload.type.ts";
import { UserType } from "./user.type.ts";

@Resolver()
export class AccountResolver {
  private readonly accounts: AccountService;

  constructor(accounts: AccountService) {
    this.accounts = accounts;
  }

  @Authorized()
  @Query(() => UserType, {
    nullable: true,
    description:
      "The current user. Null plus an UNAUTHENTICATED error, with the reason, when the request carries no usable token.",
  })
  me(@CurrentCaller() caller: Caller): UserType {
    return caller.user;
  }

  @CredentialOperation()
  @AlwaysHashes()
  @Mutation(() => AuthPayload, {
    description:
      "Makes an account and signs in to it. With REGISTRATION_PRIVACY nobody is signed in: the answer is the error " +
      "SIGN_IN_REQUIRED, whether the email and the username were free or not.",
  })
  register(
    @Arg("input", () => RegisterInput, {
      description: "The account to make; every fault in it is reported at once.",
    })
    input: RegisterInput,
    @Ctx() { client }: Context,
  ): Promise<AuthPayload> {
    return this.accounts.register(input, client);
  }

  @CredentialOperation()
  @AlwaysHashes()
  @Mutation(() => AuthPayload, {
    description:
      "Signs in, which opens a session. An unknown account and a wrong password get the same answer, under `error`.",
  })
  login(
    @Arg("input", () => LoginInput, { description: "One name of the account, and its password." })
    input: LoginInput,
    @Ctx() { client }: Context,
  ): Promise<AuthPayload> {
    return this.accounts.login(input, client);
  }

  @Authorized()
  @CredentialOperation(hasPassword)
  @Mutation(() => UpdateUserPayload, {
    description:
      "Changes the current user: what is given, all or nothing. A new password ends every session of the user, this one " +
      "included, and every token issued so far: go on with the tokens of `session`. Later fields of the same operation " +
      "that need a user fail with TOKEN_REVOKED.",
  })
  updateUser(
    @Arg("input", () => UpdateUserInput, { description: "The changes; an empty input changes nothing." })
    input: UpdateUserInput,
    @CurrentCaller() caller: Caller,
    @Ctx() { client }: Context,
  ): Promise<UpdateUserPayload> {
    return this.accounts.updateUser(input, caller, client);
  }
}

/** @param input as it was sent */
function hasPassword({ input }: Readonly<Record<string, unknown>>): boolean {
  const { password, currentPassword } = Object(input) as Record<string, unknown>;
  return password != null || currentPassword != null;
}

import type { AuthCheckerFn } from "type-graphql";
import type { Context } from "./context.ts";

/** The rule behind `@Authorized()`: the call goes on when the token stands for a live session, else it throws why not. */
export const requireCaller: AuthCheckerFn<Context> = async ({ context }) => {
  await context.caller();
  return true;
};

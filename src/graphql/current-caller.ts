import { createParameterDecorator } from "type-graphql";
import type { Context } from "./context.ts";

/** A resolver's parameter: who is calling. The field must be `@Authorized()`. */
export function CurrentCaller(): ReturnType<typeof createParameterDecorator> {
  return createParameterDecorator<Context>(({ context }) => context.caller());
}

import { OperationTypeNode } from "graphql";
import type { MiddlewareFn } from "type-graphql";
import { ServiceUnavailable } from "../errors.ts";
import type { Context } from "./context.ts";
import { checkArguments } from "./input-check.ts";
import { rawArguments } from "./raw-values.ts";

/**
 * Gives a mutation its checked arguments. It runs after `@Authorized()`, so that a stranger learns nothing from the
 * checks, and sees the arguments as they were sent, because the executor leaves them uncoerced (see executor.ts).
 */
export const checkMutationArguments: MiddlewareFn<Context> = async ({ args, context, info }, next) => {
  const field = info.schema.getMutationType()?.getFields()[info.fieldName];
  const [node] = info.fieldNodes;
  if (
    info.operation.operation === OperationTypeNode.MUTATION &&
    info.path.prev === undefined &&
    field &&
    node
  ) {
    // Of several mutations in one operation the rest is not begun.
    if (context.client.abandoned.aborted) throw new ServiceUnavailable();
    Object.assign(args, await checkArguments(field.args, rawArguments(node, context.variables), context));
  }
  return next();
};

import { Kind, visit } from "graphql";
import type { GraphQLResolveInfo } from "graphql";
import { InvalidInput } from "../errors.ts";

/** References times fields: an answer takes time and memory by both, and a hundred kilobytes can ask for a million. */
const mostPerRequest = 10_000;

/** References of one list: what gateways ask for at a time is far less. */
const mostReferences = 1_000;

/** What a request has asked of entities so far; lists under several aliases count together. */
export class EntityBudget {
  private readonly spent = new WeakMap<object, number>();

  /** @throws InvalidInput once the request asks for too much */
  spend(request: object, references: number, { operation, fragments }: GraphQLResolveInfo): void {
    const total = (this.spent.get(request) ?? 0) + references * countFields(operation, fragments);
    this.spent.set(request, total);
    if (total > mostPerRequest)
      throw new InvalidInput({
        representations: [`Ask for less at once: references times fields may be ${mostPerRequest} at most.`],
      });
    if (references > mostReferences)
      throw new InvalidInput({
        representations: [`Ask for less at once: ${mostReferences} references at most.`],
      });
  }
}

function countFields(operation: GraphQLResolveInfo["operation"], fragments: GraphQLResolveInfo["fragments"]) {
  let fields = 0;
  const definitions = [operation, ...Object.values(fragments)];
  visit({ kind: Kind.DOCUMENT, definitions }, { Field: () => void fields++ });
  return fields;
}

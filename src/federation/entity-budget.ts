import { Kind, visit } from "graphql";
import type { GraphQLResolveInfo } from "graphql";
import { isPublicField } from "../accounts/user-visibility.ts";
import { InvalidInput } from "../errors.ts";
import { FieldError } from "../field-errors.ts";

/** References times fields: an answer takes time and memory by both, and a hundred kilobytes can ask for a million. */
const mostPerRequest = 10_000;

/** References of one list: what gateways ask for at a time is far less. */
const mostReferences = 1_000;

/** A field that only the user can read is refused for everybody else, and an error takes much longer than an answer. */
const weightOfPrivateField = 20;

/** Errors about references: enough to find the mistake. */
const mostFaults = 100;

/** What a request has asked of entities so far; lists under several aliases count together. */
export class EntityBudget {
  private readonly spent = new WeakMap<object, number>();
  private readonly faults = new WeakMap<object, number>();

  /** @throws InvalidInput once the request asks for too much */
  spend(request: object, references: number, { operation, fragments }: GraphQLResolveInfo): void {
    const total = (this.spent.get(request) ?? 0) + references * weighFields(operation, fragments);
    this.spent.set(request, total);
    if (total > mostPerRequest)
      throw new InvalidInput({
        representations: [
          FieldError.of("REFERENCE_COST_EXCEEDED", { maximum: mostPerRequest, weight: weightOfPrivateField }),
        ],
      });
    if (references > mostReferences)
      throw new InvalidInput({
        representations: [FieldError.of("REFERENCE_LIMIT_EXCEEDED", { maximum: mostReferences })],
      });
  }

  /** Whether one more bad reference of a request is told of. */
  tellsFault(request: object): boolean {
    const faults = (this.faults.get(request) ?? 0) + 1;
    this.faults.set(request, faults);
    return faults <= mostFaults;
  }
}

const isCheap = (name: string) => name.startsWith("_") || isPublicField(name);

function weighFields(operation: GraphQLResolveInfo["operation"], fragments: GraphQLResolveInfo["fragments"]) {
  let weight = 0;
  const definitions = [operation, ...Object.values(fragments)];
  visit(
    { kind: Kind.DOCUMENT, definitions },
    { Field: ({ name }) => void (weight += isCheap(name.value) ? 1 : weightOfPrivateField) },
  );
  return weight;
}

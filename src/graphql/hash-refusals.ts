import { getLocation, Kind, OperationTypeNode } from "graphql";
import type {
  FieldNode,
  FormattedExecutionResult,
  GraphQLFormattedError,
  GraphQLSchema,
  OperationDefinitionNode,
  ValueNode,
} from "graphql";
import { LRUCache } from "lru-cache";
import { Extensions } from "type-graphql";
import { ServiceUnavailable } from "../errors.ts";
import type { PasswordHasher } from "../security/password-hasher.ts";
import { retainedBytes } from "../security/retained-bytes.ts";
import { entryOf } from "./error-format.ts";
import { KnownOperation } from "./known-queries.ts";

/** Marks a mutation that comes to nothing without a hash: while there is no room for one, it is refused as it comes. */
export const AlwaysHashes = () => Extensions({ alwaysHashes: true });

/** Characters; those of programs have some hundred. */
const longestDocument = 4_096;

/** Bytes of all documents: 200,000 characters at most. */
const mostBytes = 800_000;

type Request = Readonly<{ query?: unknown; operationName?: unknown }>;
type Body = Request & Readonly<{ variables?: unknown; extensions?: unknown }>;

/** Made but once: the stack of an error costs more than all the rest of a refusal. */
const { message, code } = new ServiceUnavailable();

type Place = Required<Pick<GraphQLFormattedError, "locations" | "path">>;

/**
 * Refuses operations that hash while there is no room for it: the surplus of a flood, which must cost next to nothing.
 * What is refused depends on the document alone, so documents are remembered, and which field of theirs hashes. What
 * variables say is neither looked at (while there is no room, a login without a password is told so too) nor kept.
 */
export class HashRefusals {
  private readonly hasher: Pick<PasswordHasher, "secondsUntilRoom">;
  private readonly places = new LRUCache<string, Place>({ max: 1_000, maxSize: mostBytes });

  constructor(hasher: Pick<PasswordHasher, "secondsUntilRoom">) {
    this.hasher = hasher;
  }

  /** The answer to a body whose document came before. Undefined while there is room. */
  find(body: unknown): KnownOperation | undefined {
    const retryAfter = this.hasher.secondsUntilRoom;
    if (retryAfter === 0) return undefined;
    const { variables = {}, extensions, ...request } = Object(body) as Body;
    // Apollo has more to say to such bodies.
    if (extensions !== undefined || typeof variables !== "object" || Array.isArray(variables))
      return undefined;
    const key = keyOf(request);
    const place = key === undefined ? undefined : this.places.get(key);
    return place && new KnownOperation({ run: async () => refusal(place, retryAfter) });
  }

  /** The answer to an operation that was found valid; its document is known from now on. Undefined while there is room. */
  refuse(
    request: Request,
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
  ): FormattedExecutionResult | undefined {
    const field = hashingField(schema, operation);
    if (field === undefined) return undefined;
    const place = placeOf(field);
    const key = keyOf(request);
    if (key !== undefined && !hasValues(key, field, operation))
      // The alias in the place may keep the text that it was cut from.
      this.places.set(key, place, { size: retainedBytes(key, key) });
    const retryAfter = this.hasher.secondsUntilRoom;
    return retryAfter === 0 ? undefined : refusal(place, retryAfter);
  }
}

/** What says which operation is asked for; undefined of what is too long to be remembered, or none. */
function keyOf({ query, operationName = null }: Request): string | undefined {
  return typeof query === "string" && query.length <= longestDocument
    ? JSON.stringify([query, operationName])
    : undefined;
}

function refusal(place: Place, retryAfter: number): FormattedExecutionResult {
  return { errors: [entryOf({ message, code, details: { retryAfter } }, place)], data: null };
}

/** The only field of an operation, if it hashes whatever it is given; `@skip` or `@include` may keep it from running. */
function hashingField(
  schema: GraphQLSchema,
  { operation, selectionSet }: OperationDefinitionNode,
): FieldNode | undefined {
  const [node, ...others] = selectionSet.selections;
  if (operation !== OperationTypeNode.MUTATION || node?.kind !== Kind.FIELD) return undefined;
  const field = schema.getMutationType()?.getFields()[node.name.value];
  const isAlone = others.length === 0 && !node.directives?.length;
  return isAlone && field?.extensions["alwaysHashes"] === true ? node : undefined;
}

/** As graphql-js has it of a field that fails. */
function placeOf(node: FieldNode): Place {
  const { alias, name, loc } = node;
  return { locations: loc ? [getLocation(loc.source, loc.start)] : [], path: [(alias ?? name).value] };
}

/** Whether there may be a password in the document, in another of its operations too. Such documents come but once. */
function hasValues(
  key: string,
  { arguments: given = [] }: FieldNode,
  { variableDefinitions = [] }: OperationDefinitionNode,
): boolean {
  return (
    // A quotation mark, as it stands in JSON.
    key.includes('\\"') ||
    given.some(({ value }) => !isOfVariables(value)) ||
    variableDefinitions.some(({ defaultValue }) => defaultValue !== undefined)
  );
}

function isOfVariables(value: ValueNode): boolean {
  return value.kind === Kind.OBJECT
    ? value.fields.every((field) => isOfVariables(field.value))
    : value.kind === Kind.VARIABLE;
}

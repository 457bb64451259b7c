import { getLocation, Kind, OperationTypeNode, valueFromASTUntyped } from "graphql";
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
import { accountName, shareOf } from "../shares/current-caller.ts";
import { entryOf } from "./error-format.ts";
import { KnownOperation } from "./known-queries.ts";

/**
 * Marks a mutation that always hashes: while its caller has no hash slot, it is refused before it runs. Its only argument
 * names the account.
 */
export const AlwaysHashes = () => Extensions({ alwaysHashes: true });

/** Characters; those of programs have some hundred. */
const longestDocument = 4_096;

/** Bytes of all documents: 200,000 characters at most. */
const mostBytes = 800_000;

type Request = Readonly<{ query?: unknown; operationName?: unknown }>;
type Body = Request & Readonly<{ variables?: unknown; extensions?: unknown }>;

/** Created once: the stack of an error costs more than the rest of a refusal. */
const { message, code } = new ServiceUnavailable();

interface Place extends Required<Pick<GraphQLFormattedError, "locations" | "path">> {
  /** The argument that names the account. */
  input: ValueNode | undefined;
}

type Hasher = Pick<PasswordHasher, "hasRoomForAll" | "secondsUntilRoomFor">;
type Variables = Readonly<Record<string, unknown>>;

/**
 * Refuses operations that hash while their caller has no room for it: the surplus of a flood, which must cost next to
 * nothing. The answer depends on the document alone, so documents are remembered, and which field of theirs hashes. Of the
 * variables only the account's name is read, because each account has a share of its own; nothing of them is kept, and a
 * login without a password is refused too.
 */
export class HashRefusals {
  private readonly hasher: Hasher;
  private readonly places = new LRUCache<string, Place>({ max: 1_000, maxSize: mostBytes });

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  /** The answer to a body whose document came before. Undefined while there is room. */
  find(body: unknown, readAddress: () => string): KnownOperation | undefined {
    if (this.hasher.hasRoomForAll) return undefined;
    const { variables = {}, extensions, ...request } = Object(body) as Body;
    // Apollo answers such bodies.
    if (extensions !== undefined || typeof variables !== "object" || Array.isArray(variables))
      return undefined;
    const key = keyOf(request);
    const place = key === undefined ? undefined : this.places.get(key);
    if (place === undefined) return undefined;
    const retryAfter = this.secondsUntilRoom(place, (variables ?? {}) as Variables, readAddress());
    return retryAfter === 0 ? undefined : new KnownOperation({ run: async () => refusal(place, retryAfter) });
  }

  /** The answer to an operation that was found valid; its document is known from now on. Undefined while there is room. */
  refuse(
    request: Request & { variables?: Variables | undefined },
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    address: string,
  ): FormattedExecutionResult | undefined {
    const field = hashingField(schema, operation);
    if (field === undefined) return undefined;
    const place = placeOf(field);
    const key = keyOf(request);
    if (key !== undefined && this.places.get(key) === undefined && !hasValues(key, field, operation))
      // The alias in the location may retain the text that it was cut from.
      this.places.set(
        key,
        { ...place, input: withoutLocation(place.input) },
        { size: retainedBytes(key, key, key) },
      );
    const retryAfter = this.secondsUntilRoom(place, request.variables ?? {}, address);
    return retryAfter === 0 ? undefined : refusal(place, retryAfter);
  }

  private secondsUntilRoom({ input }: Place, variables: Variables, address: string): number {
    if (this.hasher.hasRoomForAll) return 0;
    const value: unknown = input && valueFromASTUntyped(input, variables);
    return this.hasher.secondsUntilRoomFor(shareOf(address, accountName(Object(value))));
  }
}

/** Locations hold on to the whole document. */
function withoutLocation(input: ValueNode | undefined): ValueNode | undefined {
  const text = JSON.stringify(input, (key, value: unknown) => (key === "loc" ? undefined : value));
  return text === undefined ? undefined : (JSON.parse(text) as ValueNode);
}

/** The cache key of an operation; undefined for documents that are missing or too long. */
function keyOf({ query, operationName = null }: Request): string | undefined {
  return typeof query === "string" && query.length <= longestDocument
    ? JSON.stringify([query, operationName])
    : undefined;
}

function refusal({ locations, path }: Place, retryAfter: number): FormattedExecutionResult {
  const details = { retryAfter };
  return { errors: [entryOf({ message, code, details }, { locations, path })], data: null };
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
  return {
    locations: loc ? [getLocation(loc.source, loc.start)] : [],
    path: [(alias ?? name).value],
    input: node.arguments?.[0]?.value,
  };
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

import {
  coerceInputValue,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isNonNullType,
  isSpecifiedScalarType,
  Kind,
  valueFromAST,
} from "graphql";
import type { GraphQLArgument, GraphQLInputField, GraphQLInputObjectType, GraphQLNamedType } from "graphql";
import { InvalidInput } from "../errors.ts";
import type { FieldErrors } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import { trim } from "../security/text-rules.ts";
import type { CheckScope, TextRules, WholeInputCheck } from "./input-rules.ts";
import { Literal } from "./raw-values.ts";

type Definition = GraphQLArgument | GraphQLInputField;
type Values = Record<string, unknown>;
/** `value` is absent when nothing usable was given; it may be there beside faults. */
type Checked = { value?: unknown; faults: FieldError[] };

/** Enough to find a mistake by; the rest would only be an echo. */
const mostUnknownNamed = 10;

const required = [FieldError.of("REQUIRED")];
const notNull = [FieldError.of("NULL")];

/** The arguments of a field, coerced and checked. @throws InvalidInput with every fault at once */
export async function checkArguments(
  definitions: readonly GraphQLArgument[],
  raw: Values,
  scope: CheckScope,
): Promise<Values> {
  const values: Values = {};
  const errors: FieldErrors = {};
  for (const definition of definitions) {
    const type = getNullableType(definition.type);
    if (isInputObjectType(type)) {
      const input = await checkInputObject(definition, type, raw[definition.name], scope);
      values[definition.name] = input.values;
      Object.assign(errors, input.errors);
    } else {
      const { value, faults } = checkValue(definition, raw[definition.name]);
      if (value !== undefined) values[definition.name] = value;
      if (faults.length > 0) errors[definition.name] = faults;
    }
  }
  if (Object.keys(errors).length > 0) throw new InvalidInput(errors);
  return values;
}

/** One input object, for callers that are no GraphQL operation. @throws InvalidInput with every fault at once */
export async function checkInput(
  type: GraphQLInputObjectType,
  raw: Values,
  scope: CheckScope,
): Promise<Values> {
  const { values, errors } = await checkInputObject({ type, name: "input" }, type, raw, scope);
  if (Object.keys(errors).length > 0) throw new InvalidInput(errors);
  return values;
}

/** An input that was left out or null counts as an empty one, so that the caller reads which fields it needs. */
async function checkInputObject(
  definition: Pick<Definition, "name" | "type">,
  type: GraphQLInputObjectType,
  raw: unknown,
  scope: CheckScope,
): Promise<{ values: Values; errors: FieldErrors }> {
  if (typeof (raw ?? {}) !== "object" || Array.isArray(raw) || raw instanceof Literal)
    return { values: {}, errors: { error: [FieldError.of("OBJECT_INVALID")] } };

  const given = (raw ?? {}) as Values;
  const fields = type.getFields();
  const values: Values = {};
  const faults: FieldErrors = {};
  for (const field of Object.values(fields)) {
    const checked = checkValue(field, own(given, field.name), given);
    if (checked.value !== undefined) values[field.name] = checked.value;
    if (checked.faults.length > 0) faults[field.name] = checked.faults;
  }
  const unknown = Object.keys(given)
    .filter((name) => !Object.hasOwn(fields, name))
    .slice(0, mostUnknownNamed)
    .map((name) => FieldError.of("FIELD_UNKNOWN", { name: name.slice(0, 100) }));
  if (unknown.length > 0) faults["error"] = unknown;
  const { check, lastCheck } = type.extensions as Record<string, WholeInputCheck<Values> | undefined>;
  const last: FieldErrors = { ...(await lastCheck?.(values, scope, faults)) };
  const whole: FieldErrors = { ...(await check?.(values, scope, { ...faults, ...last })) };
  const errors: FieldErrors = {};
  for (const name of [...Object.keys(fields), "error"]) {
    const found = [...(whole[name] ?? []), ...(faults[name] ?? []), ...(last[name] ?? [])];
    if (found.length > 0) errors[name] = found;
  }
  if (raw == null && isNonNullType(definition.type) && Object.keys(errors).length === 0)
    errors[definition.name] = raw === null ? notNull : required;
  return { values, errors };
}

function checkValue(definition: Definition, raw: unknown, siblings: Values = {}): Checked {
  const text = definition.extensions["text"] as TextRules | undefined;
  const other = text?.requiredWithout;
  const mandatory = isNonNullType(definition.type) || (other !== undefined && own(siblings, other) == null);
  if (raw === undefined) {
    if (definition.defaultValue !== undefined) return { value: definition.defaultValue, faults: [] };
    return { faults: mandatory ? required : [] };
  }
  if (raw === null)
    return mandatory || text?.nullable === false ? { faults: notNull } : { value: null, faults: [] };
  return text === undefined ? checkLeaf(definition, raw) : checkText(text, raw);
}

function checkText(text: TextRules, raw: unknown): Checked {
  const given = raw instanceof Literal && raw.node.kind === Kind.STRING ? raw.node.value : raw;
  if (typeof given !== "string") return { faults: [text.wrongType ?? FieldError.of("STRING_INVALID")] };
  const trimmed = trim(given);
  if (trimmed === "") return { faults: [FieldError.of("BLANK")] };
  const value = text.verbatim ? given : trimmed;
  return { value, faults: text.rules.map((rule) => rule(value)).filter((fault) => fault !== undefined) };
}

function checkLeaf({ type }: Definition, raw: unknown): Checked {
  let value: unknown;
  if (raw instanceof Literal) value = valueFromAST(raw.node, type);
  else {
    let valid = true;
    const coerced: unknown = coerceInputValue(raw, type, () => (valid = false));
    if (valid) value = coerced;
  }
  const named = getNamedType(type);
  const fault = (named.extensions["fault"] as FieldError | undefined) ?? faultOf(named);
  return value === undefined ? { faults: [fault] } : { value, faults: [] };
}

/** Types of our own are not named: in production the schema is kept back. */
function faultOf(type: GraphQLNamedType): FieldError {
  return isSpecifiedScalarType(type)
    ? FieldError.of("VALUE_INVALID", { type: type.name })
    : FieldError.of("CHOICE_INVALID");
}

/** Inputs come from outside: what an object inherits is nothing that was sent. */
function own(values: Values, name: string): unknown {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

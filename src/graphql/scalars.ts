import { GraphQLError, GraphQLScalarType, Kind } from "graphql";
import { GraphQLDateTime, GraphQLJWT, GraphQLLocalDate } from "graphql-scalars";
import { FieldError } from "../field-errors.ts";
import { parseCalendarDate } from "../security/calendar-date.ts";

const dateFault = FieldError.of("DATE_INVALID");
const stringFault = FieldError.of("STRING_INVALID");

function parseDate(value: unknown): string {
  const date = typeof value === "string" ? parseCalendarDate(value) : undefined;
  if (date === undefined) throw new GraphQLError(dateFault.message);
  return date;
}

/** A calendar day as text, so that no time zone can move it. `extensions.fault` is what a caller reads on a bad value. */
export const DateScalar = new GraphQLScalarType<string, string>({
  ...GraphQLLocalDate.toConfig(),
  name: "Date",
  description:
    "A calendar day: `YYYY-MM-DD`, from year 0001 to 9999. A month or day of one digit is accepted and padded.",
  extensions: { fault: dateFault },
  parseValue: parseDate,
  parseLiteral: (node) => parseDate(node.kind === Kind.STRING ? node.value : undefined),
});

export const DateTimeScalar = new GraphQLScalarType({
  ...GraphQLDateTime.toConfig(),
  description: "A moment: ISO 8601 in UTC, as in `2026-01-31T12:00:00.000Z`.",
});

/** Any text is let in: whether it is a token of ours is for the verification to say, with its reason. */
export const JwtScalar = new GraphQLScalarType<string, string>({
  ...GraphQLJWT.toConfig(),
  description: "A signed token (RFC 7519): three base64url parts with dots between.",
  extensions: { fault: stringFault },
  parseValue(value) {
    if (typeof value !== "string") throw new GraphQLError(stringFault.message);
    return value;
  },
  parseLiteral(node) {
    if (node.kind !== Kind.STRING) throw new GraphQLError(stringFault.message);
    return node.value;
  },
});

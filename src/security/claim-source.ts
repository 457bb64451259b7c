/** The fields of a user that may stand in a token: each is named here, short, and known to the user. */
export interface ClaimUser {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly birthDate: string | null | undefined;
  readonly isStaff: boolean;
  readonly isActive: boolean;
  readonly createdAt: Date;
}

export type ClaimValue = string | number | boolean | readonly string[];

/** Makes the claim of a user; undefined: it is left out. */
export type ClaimSource = (user: ClaimUser) => ClaimValue | undefined;

const fields = new Map<string, ClaimSource>([
  ["id", (user) => user.id],
  ["email", (user) => user.email],
  ["username", (user) => user.username],
  ["birthDate", (user) => user.birthDate ?? undefined],
  ["isStaff", (user) => user.isStaff],
  ["isActive", (user) => user.isActive],
  ["createdAt", (user) => user.createdAt.toISOString()],
]);

/** Why a field that exists cannot be had; looked up without regard to case and underscores. */
const refusedFields = new Map([
  ["password", "is secret"],
  ["passwordhash", "is secret"],
  ["issuperuser", "is secret"],
  ["lastloginat", "is secret"],
  ["bio", "is too long for a token"],
  ["fullname", "is too long for a token"],
]);

/** Characters, as JSON. */
const longestConstant = 256;

const forms =
  'takes a text, a number, true, false, a list of texts, {"field": …} or {"when": …, "then": …, "else": …}';

/** Reads one entry of the mapping. @throws Error that says what is wrong with it */
export function claimSource(definition: unknown): ClaimSource {
  if (typeof definition !== "object" || definition === null || Array.isArray(definition))
    return constant(definition);
  const { field, when, then, else: otherwise } = definition as Record<string, unknown>;
  const keys = Object.keys(definition).toSorted().join(" ");
  if (keys === "field") return fieldSource(field);
  if (keys !== "else then when") throw new Error(forms);
  if (when !== "isStaff" && when !== "isActive") throw new Error(`"when" takes "isStaff" or "isActive"`);
  const [yes, no] = [constant(then), constant(otherwise)];
  return (user) => (user[when] ? yes(user) : no(user));
}

function fieldSource(name: unknown): ClaimSource {
  const source = typeof name === "string" ? fields.get(name) : undefined;
  if (source !== undefined) return source;
  const shown = JSON.stringify(name).slice(0, 60);
  const refusal = typeof name === "string" && refusedFields.get(name.replaceAll("_", "").toLowerCase());
  throw new Error(
    `the field ${shown} ${refusal || "is unknown"}; "field" takes ${[...fields.keys()].join(", ")}`,
  );
}

function constant(value: unknown): ClaimSource {
  if (!isClaimValue(value)) throw new Error(forms);
  if (JSON.stringify(value).length > longestConstant)
    throw new Error(`is a constant of more than ${longestConstant} characters`);
  return () => value;
}

function isClaimValue(value: unknown): value is ClaimValue {
  if (Array.isArray(value)) return value.every((item) => typeof item === "string");
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

import { claimSource } from "./claim-source.ts";
import type { ClaimSource, ClaimUser, ClaimValue } from "./claim-source.ts";

/**
 * Only we say these: the claims of our tokens, and those whose meaning others take from a standard (RFC 7519, 7662, 7800,
 * 8417, 8693, 9068; OpenID Connect).
 */
const reserved = new Set(
  "iss sub aud exp nbf iat jti sid gen typ scope client_id auth_time acr amr azp nonce cnf act may_act active token_type events".split(
    " ",
  ),
);

const mostClaims = 32;
const longestName = 128;

/** Bytes. A token with that much still fits into a header of 8 KB, which is what proxies take. */
const largestClaims = 4096;

/** What an operator adds to the access tokens. Our own claims cannot be among them. */
export class ExtraClaims {
  private readonly sources: ReadonlyMap<string, ClaimSource>;
  private readonly namespace: string | undefined;

  constructor(sources: ReadonlyMap<string, ClaimSource>, namespace: string | undefined) {
    this.sources = sources;
    this.namespace = namespace;
  }

  /** By their names in the mapping. */
  of(user: ClaimUser): Record<string, ClaimValue> {
    const claims: Record<string, ClaimValue> = {};
    for (const [name, source] of this.sources) {
      const value = source(user);
      if (value !== undefined) claims[name] = value;
    }
    return claims;
  }

  /** As they stand in a token: in one object, where there is a namespace. */
  inToken(user: ClaimUser): Record<string, unknown> {
    return this.namespace === undefined ? this.of(user) : { [this.namespace]: this.of(user) };
  }
}

export const noExtraClaims = new ExtraClaims(new Map(), undefined);

/** Whether a top-level claim may have the name. */
export function isFreeClaimName(name: string): boolean {
  return !reserved.has(name) && !isOfEveryObject(name);
}

/** `__proto__`, `constructor`, `toString` and so on: not every library and reader of a token is careful with them. */
function isOfEveryObject(name: string): boolean {
  return name in Object.prototype;
}

/** Reads the mapping, JSON text. @throws Error of one line that says what is wrong */
export function parseClaimMapping(text: string, namespace?: string): ExtraClaims {
  const mapping = parseObject(text);
  const entries = Object.entries(mapping);
  if (entries.length > mostClaims)
    throw new Error(`has ${entries.length} claims; at most ${mostClaims} are taken`);
  const sources = new Map<string, ClaimSource>();
  for (const [name, definition] of entries) {
    try {
      checkName(name, namespace);
      sources.set(name, claimSource(definition));
    } catch (error) {
      throw new Error(`claim ${JSON.stringify(name).slice(0, 60)}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  const claims = new ExtraClaims(sources, namespace);
  const size = Math.max(
    ...largestUsers.map((user) => Buffer.byteLength(JSON.stringify(claims.inToken(user)))),
  );
  if (size > largestClaims)
    throw new Error(`makes claims of up to ${size} bytes; ${largestClaims} are the most that a token takes`);
  return claims;
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // Without the excerpt of the file that V8 quotes: the path may lead to another file, with secrets in it.
    const [reason = ""] = (error as Error).message.split(/, (?:\.{3})?"/, 1);
    throw new Error(`is not JSON: ${reason.replaceAll(/\s+/g, " ")}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error('is not an object such as {"role": "member"}');
  return value;
}

function checkName(name: string, namespace: string | undefined): void {
  if (name === "" || name.length > longestName)
    throw new Error(`takes a name of 1 to ${longestName} characters`);
  if (isOfEveryObject(name)) throw new Error("is no name for a claim");
  if (namespace === undefined && reserved.has(name)) throw new Error("is reserved; only the gateway sets it");
}

/** Each field as large as its rule lets it be, in the bytes of JSON. */
const largestUsers: ClaimUser[] = [true, false].flatMap((isStaff) =>
  [true, false].map((isActive) => ({
    id: "01a2043d-c95a-75d7-8000-000000000000",
    email: "\u{1f600}".repeat(254),
    username: "\u0001".repeat(255),
    birthDate: "1815-12-10",
    isStaff,
    isActive,
    createdAt: new Date(0),
  })),
);

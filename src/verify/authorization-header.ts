const credentials = /^(?:bearer|token) +([^ ]+) *$/i;

/**
 * The token of an `Authorization` header, `Bearer <token>` or `Token <token>`; undefined for any other header. The scheme
 * is compared without regard to case, and spaces alone separate it from the token (RFC 9110, 11.4).
 */
export function tokenOf(header: string | null | undefined): string | undefined {
  return credentials.exec(header ?? "")?.[1];
}

/** The token of the `Authorization` headers of one request. Several of them yield a text that is never a token. */
export function tokenOfHeaders(values: readonly (string | null | undefined)[]): string | undefined {
  return values.length > 1 ? values.join(", ") : tokenOf(values[0]);
}

/** What is read of a request of Node. */
export interface RequestHeaders {
  headers: { authorization?: string | undefined };
  rawHeaders?: readonly string[] | undefined;
}

/**
 * The token of a request. Several Authorization headers are refused as TOKEN_INVALID, because the next reader of the
 * request could take another one of them; `headers` has only the first.
 */
export function tokenOfRequest({ headers, rawHeaders = [] }: RequestHeaders): string | undefined {
  const sent = rawHeaders.filter(
    (_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "authorization",
  );
  return tokenOfHeaders(sent.length > 1 ? sent : [headers.authorization]);
}

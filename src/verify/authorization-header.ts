const credentials = /^(?:bearer|token) +([^ ]+) *$/i;

/** The token of an `Authorization` header, `Bearer <token>` or `Token <token>`; undefined for any other header. */
export function tokenOf(header: string | null | undefined): string | undefined {
  return credentials.exec(header ?? "")?.[1];
}

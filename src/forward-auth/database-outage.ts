/**
 * Whether a query failed because the database cannot be reached or cannot serve now, and not because of the query.
 * Node's errors of the network have a code such as ECONNREFUSED, PostgreSQL's a SQLSTATE (08 connection, 53 resources,
 * 57 operator, 58 system); the driver's own have none and speak of the connection.
 */
export function isDatabaseOutage(error: unknown): boolean {
  const { code, name, message } = Object(error) as Record<"code" | "name" | "message", unknown>;
  if (code === undefined) return name === "Error" && /connect/i.test(String(message));
  return typeof code === "string" && /^(E(?!RR_)[A-Z]|08|53|57|58)/.test(code);
}

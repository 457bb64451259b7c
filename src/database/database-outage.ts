/**
 * SQLSTATEs (appendix A of PostgreSQL's manual) of a database that cannot be reached or cannot serve now: 08 connection, 53
 * out of something, 57 operator or time limit, 58 its system, 25006 read-only, 25P03 and 25P04 a transaction's time limit,
 * 40001 and 40P01 to be tried again, 55P03 a lock's time limit.
 */
const outageStates = /^(08|53|57|58|25006|25P03|25P04|40001|40P01|55P03)/;

/** Whether something failed because of the state of the database, and not because of a fault of ours. */
export function isDatabaseOutage(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" && code.length === 5 && outageStates.test(code);
}

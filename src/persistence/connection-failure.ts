/** Node's errors are not of the server, and some are five letters too (EPIPE). */
const sqlState = /^(?!E)[0-9A-Z]{5}$/;

/** PostgreSQL closes the connection after these, or another server has to be asked. */
const endsConnection = /^(08|57P|25006|25P03|25P04)/;

/** SQLSTATEs for what happens on our side (appendix A of PostgreSQL's manual). */
type ConnectionState = "08001 not opened" | "08006 lost";

/** The failure of a connection, with a SQLSTATE as all other failures of a database have it. */
export function connectionFailure(state: ConnectionState, cause: unknown): Error {
  const { message } = cause as Error;
  return Object.assign(new Error(message, { cause }), { code: state.slice(0, 5) });
}

/** A query's failure, under a SQLSTATE also where the server did not say it: the connection is lost then. */
export function queryFailure(error: unknown): unknown {
  const { code, name } = error as { code?: string; name?: unknown };
  const isOfTheDriver = name === "Error" && (code === undefined || /^E[A-Z]+$/.test(code));
  return isOfTheDriver ? connectionFailure("08006 lost", error) : error;
}

/** Whether a connection is of no more use after that failure. */
export function isLastFailure(failure: unknown): boolean {
  const { code } = failure as { code?: unknown };
  return typeof code !== "string" || !sqlState.test(code) || endsConnection.test(code);
}

/** Whether all connections to the server must be doubted: it is silent, or takes no writes any more. */
export function isLostServer(failure: unknown): boolean {
  const { code, message } = failure as { code?: unknown; message?: unknown };
  return code === "25006" || message === "Query read timeout";
}

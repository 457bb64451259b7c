import pino from "pino";
import type { Logger } from "pino";
import pretty from "pino-pretty";

interface LoggedError {
  type: string;
  message: string;
  code: string | undefined;
  constraint: string | undefined;
  stack: string;
}

/**
 * What the log says of an error. Errors of the database carry the statement, with its values, in their message and
 * details; so the statement is cut off, and nothing but the named members is kept.
 */
export function describeError(error: unknown): LoggedError | { message: string } {
  if (!(error instanceof Error)) return { message: "a value that is no error was thrown" };
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const statementEnd =
    "query" in error || /^(select|insert|update|delete|with|begin|commit)\b/i.test(error.message);
  return {
    type: error.constructor.name,
    message: statementEnd ? (error.message.split(" - ").pop() ?? "") : error.message,
    code: typeof code === "string" ? code : undefined,
    constraint: typeof constraint === "string" ? constraint : undefined,
    stack: (error.stack ?? "")
      .split("\n")
      .filter((line) => /^\s+at /.test(line))
      .join("\n"),
  };
}

/** JSON lines on standard output; on a terminal, lines for people. */
export function createLogger(level: string): Logger {
  const options = { level, base: null, serializers: { err: describeError } };
  if (!process.stdout.isTTY) return pino(options, pino.destination({ fd: 1, sync: true }));
  return pino(options, pretty({ sync: true, colorize: true, translateTime: "SYS:HH:MM:ss", destination: 1 }));
}

import { createRequire } from "node:module";
import pino from "pino";
import type { Logger } from "pino";
import type PinoPretty from "pino-pretty";
import { isDatabaseOutage } from "../database/database-outage.ts";
import { LogOutput } from "./log-output.ts";
import { printable, printableLines } from "../security/printable-text.ts";

/** What a log writes to. */
export type LogDestination = Pick<LogOutput, "write"> & Partial<Pick<LogOutput, "flush">>;

interface LoggedError {
  type: string;
  message: string;
  code: string | undefined;
  constraint: string | undefined;
  stack: string | undefined;
}

const frameStart = /^\s+at (?:.* \()?(?:file:\/\/|node:|\/|[A-Za-z]:\\)/;
const frameEnd = /:\d+:\d+\)?$/;

/** Codes of Node for a host that does not answer. */
const connectionFailure = /^E(?:AI_AGAIN|CONN|HOST|NET|NOTFOUND|PIPE|TIMEDOUT)/;

/** A line of a stack that names a place; text that only looks like one is not kept. */
const isFrame = (line: string) => frameStart.test(line) && frameEnd.test(line);

/**
 * What the log says of an error. Errors of the database carry values of the row in their details, which the ORM puts
 * behind the first line of the message; so the first line is kept, the places of the stack, and what is named here. Of
 * an outage no places are: while it lasts, whoever needs the database says the same.
 */
export function describeError(error: unknown): LoggedError | { message: string } {
  if (!(error instanceof Error)) return { message: "a value that is no error was thrown" };
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const isOutage = isDatabaseOutage(error) || (typeof code === "string" && connectionFailure.test(code));
  const stack = (error.stack ?? "").replace(error.message, "");
  return {
    type: error.constructor.name,
    message: error.message.split("\n", 1)[0] ?? "",
    code: typeof code === "string" ? code : undefined,
    constraint: typeof constraint === "string" ? constraint : undefined,
    stack: isOutage ? undefined : stack.split("\n").filter(isFrame).join("\n"),
  };
}

/** What every log of the gateway has in common, whatever it writes to. */
export function logOptions(level: string) {
  return { level, base: null, serializers: { err: describeError } };
}

/** JSON lines on standard output; on a terminal, lines for people. */
export function createLogger(level: string): Logger {
  const { stdout } = process;
  return loggerTo(stdout, stdout.isTTY ? forPeople : forPrograms, level);
}

/** The log of a command, which has its standard output for itself. */
export function createCommandLogger(level: string): Logger {
  return loggerTo(process.stderr, forPrograms, level);
}

function loggerTo(
  stream: NodeJS.WriteStream & { fd: number },
  format: typeof forPrograms,
  level: string,
): Logger {
  const output = new LogOutput(stream);
  const logger = pino(logOptions(level), format(output));
  output.onRoom = (dropped) =>
    logger.error({ dropped }, "log lines were dropped because the output was not read in time");
  return logger;
}

/** pino leaves what is beyond ASCII as it is, and some of that moves cursors and ends lines, too. */
export function forPrograms(output: LogDestination): LogDestination {
  return formatted(output, printableLines);
}

/** pino-pretty puts values in quotes as JSON does, but writes messages as they are. */
export function forPeople(output: LogDestination): LogDestination {
  // Loaded only where it is needed, and at once.
  const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as typeof PinoPretty;
  const prettify = prettyFactory({
    colorize: true,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss",
    messageFormat: ({ msg }) => printable(typeof msg === "string" ? msg : ""),
  });
  return formatted(output, (line) => printableLines(prettify(line)));
}

/** `flush` is what pino calls for `logger.flush`. */
function formatted(output: LogDestination, format: (line: string) => string): LogDestination {
  return {
    write: (line) => output.write(format(line)),
    flush: (done) => output.flush?.(done),
  };
}

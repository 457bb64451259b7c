import { printable } from "../security/printable-text.ts";

/** Ends the process, whatever is still open: an unfinished connection must not keep a refused start alive. */
export function fail(error: unknown): void {
  const lines = linesOf(error).map((line) => `gatehouse: ${printable(line)}\n`);
  process.exitCode = 1;
  process.stderr.write(lines.join(""), () => process.exit());
  // Unread output does not keep the process alive.
  setTimeout(() => process.exit(), 2_000).unref();
}

/** Behind the first line, the database's errors (those with a SQLSTATE) have the values of the row. */
function linesOf(error: unknown): string[] {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" && /^[\dA-Z]{5}$/.test(code) ? lines.slice(0, 1) : lines;
}

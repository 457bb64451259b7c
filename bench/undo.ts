/** Learns what there is to undo, as soon as it is to be undone. */
export type CleanUp = (() => Promise<void>)[];

/** Runs to the end, to a failure or to a signal, and undoes what was done, last things first. */
export async function runAndUndo(work: (cleanUp: CleanUp) => Promise<void>): Promise<void> {
  const cleanUp: CleanUp = [];
  let closing: Promise<void> | undefined;
  /** A second call waits for the first. */
  const close = () =>
    (closing ??= (async () => {
      for (const undo of cleanUp.toReversed()) await undo().catch(fail);
    })());
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      process.exitCode = signal === "SIGINT" ? 130 : 143;
      void close().finally(() => process.exit());
    });
  // Who reads what is printed may go: that must not keep anything from being undone.
  process.stdout.on("error", () => {});
  try {
    await work(cleanUp);
  } catch (error) {
    // What an interruption breaks off is no failure to tell of.
    if (!closing) fail(error);
  } finally {
    await close();
  }
}

function fail(error: unknown): void {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ??= 1;
}

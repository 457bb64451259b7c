import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";

/** Characters that may wait for the reader of the output. */
const mostWaiting = 1_000_000;

/** Milliseconds for which a flush waits for the reader. */
const longestFlush = 1_000;

/**
 * Writes log lines without ever waiting for the reader of the output: lines that find no room are dropped and counted.
 * `write` of a pipe blocks where it is called. In a thread, as sonic-boom does it, it would keep the process from exiting.
 */
export class LogOutput {
  /** Called with the number of dropped lines when there is room again. */
  onRoom: (dropped: number) => void = () => {};
  private readonly stream: Writable;
  private pending = "";
  private dropped = 0;
  private isBroken = false;

  constructor(output: Writable & { fd: number }) {
    this.stream = output instanceof Socket ? unblocked(output) : fileOutput(output.fd);
    this.stream.on("drain", () => this.reportDropped());
    // The reader is gone, which is no reason to stop.
    this.stream.on("error", () => (this.isBroken = true));
  }

  write(line: string): void {
    if (this.waiting + line.length > mostWaiting) {
      this.dropped += 1;
      return;
    }
    if (this.pending === "") setImmediate(() => this.passOn());
    this.pending += line;
    if (this.waiting < mostWaiting / 2) this.reportDropped();
  }

  /** Calls back when everything is written, or when the reader takes too long. */
  flush(done: () => void): void {
    this.passOn();
    const impatience = setTimeout(done, longestFlush);
    this.stream.write("", () => {
      clearTimeout(impatience);
      done();
    });
  }

  private get waiting(): number {
    return this.stream.writableLength + this.pending.length;
  }

  private passOn(): void {
    if (!this.isBroken && this.pending !== "") this.stream.write(this.pending);
    this.pending = "";
  }

  private reportDropped(): void {
    const { dropped } = this;
    this.dropped = 0;
    if (dropped > 0) this.onRoom(dropped);
  }
}

/** Node writes to pipes without blocking, but not to terminals, which stop reading at Ctrl-S. */
function unblocked(output: Socket): Writable {
  const { _handle: handle } = output as Socket & { _handle?: { setBlocking?: (blocking: boolean) => void } };
  if ("isTTY" in output) handle?.setBlocking?.(false);
  return output;
}

/** A file needs no reader. An error, such as a full disk, loses lines but not the log. */
function fileOutput(fd: number): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      try {
        writeSync(fd, text);
      } catch {
        // There is no other place to say so.
      }
      done();
    },
  });
}

import { Readable } from "node:stream";
import { addressBlock } from "../security/address-block.ts";

/** As many as one replica serves at once. */
const mostStreams = 1_000;

/** A tenth of them, so that one host cannot take them all. */
const mostPerAddress = 100;

/** Bytes that may wait for a reader when the next event comes. The buffers are shared, so they wait once, not a thousand times. */
const mostUnread = 1_048_576;

/** The readers of Server-Sent Events (HTML Living Standard, 9.2). Who does not read is let go; they come back by themselves. */
export class EventStreams {
  private readonly streams = new Set<Readable>();
  private readonly perAddress = new Map<string, number>();
  /** Kept, because many who come back at once begin with the same. */
  private beginning: { event: string; data: string; chunk: Buffer } | undefined;

  get count(): number {
    return this.streams.size;
  }

  /** A stream that begins with an event; undefined when there are too many, in all or from the address. */
  open(address: string, event: string, data: string): Readable | undefined {
    const block = addressBlock(address);
    const open = this.perAddress.get(block) ?? 0;
    if (this.streams.size >= mostStreams || open >= mostPerAddress) return undefined;
    const stream = new Readable({ read() {} });
    this.streams.add(stream);
    this.perAddress.set(block, open + 1);
    stream.once("close", () => this.closed(stream, block));
    if (this.beginning?.event !== event || this.beginning.data !== data)
      this.beginning = { event, data, chunk: formatted(event, data) };
    stream.push(this.beginning.chunk);
    return stream;
  }

  send(event: string, data: string): void {
    this.push(formatted(event, data));
  }

  /** A comment, so that readers and proxies see that the stream lives. */
  beat(): void {
    this.push(Buffer.from(": ok\n\n"));
  }

  end(): void {
    for (const stream of this.streams) stream.push(null);
    this.streams.clear();
  }

  private closed(stream: Readable, block: string): void {
    this.streams.delete(stream);
    const left = (this.perAddress.get(block) ?? 0) - 1;
    if (left > 0) this.perAddress.set(block, left);
    else this.perAddress.delete(block);
  }

  private push(chunk: Buffer): void {
    for (const stream of this.streams)
      if (stream.readableLength > mostUnread) stream.destroy();
      else stream.push(chunk);
  }
}

function formatted(event: string, data: string): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${data}\n\n`);
}

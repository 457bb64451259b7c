import { Readable } from "node:stream";
import { addressBlocks } from "../../security/address-block.ts";
import { ShareTree } from "../../shares/share-tree.ts";
import type { SharePath } from "../../shares/share-tree.ts";

/** As many as one replica serves at once. */
const mostStreams = 1_000;

/** Bytes that may wait for a reader when the next event comes. The buffers are shared, so they wait once, not a thousand times. */
const mostUnread = 1_048_576;

/**
 * The readers of Server-Sent Events (HTML Living Standard, 9.2). Readers that fall behind are let go; so is, when there are
 * too many, the latest of the address that has most, for a newcomer that has less. They come back by themselves.
 */
export class EventStreams {
  private readonly shares = new ShareTree<Readable>();
  private readonly paths = new Map<Readable, SharePath>();
  /** Kept, because many who come back at once begin with the same. */
  private beginning: { event: string; data: string; chunk: Buffer } | undefined;

  get count(): number {
    return this.paths.size;
  }

  /** A stream that begins with an event; undefined when there are too many, and no address has more than its share. */
  open(address: string, event: string, data: string): Readable | undefined {
    const path = addressBlocks(address);
    if (this.count >= mostStreams && !this.makeRoom(path)) return undefined;
    const stream = new Readable({ read() {} });
    this.paths.set(stream, path);
    this.shares.add(path, stream);
    stream.once("close", () => this.forget(stream));
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
    for (const stream of this.paths.keys()) {
      this.forget(stream);
      stream.push(null);
    }
  }

  private makeRoom(path: SharePath): boolean {
    const latest = [...(this.shares.findOverShare(path) ?? [])].at(-1);
    if (latest === undefined) return false;
    this.forget(latest);
    latest.destroy();
    return true;
  }

  private forget(stream: Readable): void {
    const path = this.paths.get(stream);
    if (path === undefined) return;
    this.paths.delete(stream);
    this.shares.remove(path, stream);
  }

  private push(chunk: Buffer): void {
    for (const stream of this.paths.keys())
      if (stream.readableLength > mostUnread) stream.destroy();
      else stream.push(chunk);
  }
}

function formatted(event: string, data: string): Buffer {
  return Buffer.from(`event: ${event}\ndata: ${data}\n\n`);
}

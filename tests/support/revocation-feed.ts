import { once } from "node:events";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { decodeJwt } from "jose";

export const feedPath = "/.well-known/revoked-sessions";

/** The ids that a signed list names. */
export function idsOf(list: string): string[] {
  const hex = Buffer.from(decodeJwt<{ sids: string }>(list).sids, "base64url").toString("hex");
  return (hex.match(/.{32}/g) ?? []).map((id) =>
    id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
  );
}

export interface FeedStream {
  response: IncomingMessage;
  /** What has come so far. */
  events: { event: string; ids: string[] }[];
  beats: number;
  ended: boolean;
  close(): void;
}

/** Reads the stream as a browser does. @param from the address that a proxy says it comes from */
export async function openStream(url: string, from?: string): Promise<FeedStream> {
  const headers = { accept: "text/event-stream", ...(from !== undefined && { "x-forwarded-for": from }) };
  const request = get(`${url}${feedPath}`, { agent: false, headers });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const stream: FeedStream = {
    response,
    events: [],
    beats: 0,
    ended: false,
    close: () => void request.destroy(),
  };
  let unread = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    const blocks = (unread + text).split("\n\n");
    unread = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (block === ": ok") stream.beats += 1;
      else if (event !== undefined && data !== undefined) stream.events.push({ event, ids: idsOf(data) });
      else throw new Error(`not an event of the feed: ${block.slice(0, 100)}`);
    }
  });
  response.on("error", () => {}).on("close", () => (stream.ended = true));
  request.on("error", () => {});
  return stream;
}

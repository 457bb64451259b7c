import type { IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { largestAnswer } from "./gateway-request.ts";

export interface ServerSentEvent {
  /** "comment" for a line that starts with a colon. */
  name: string;
  data: string;
}

/** The events of a stream in their order. @throws Error when the stream breaks, or an event is larger than 16 MiB */
export async function* serverSentEvents(
  response: IncomingMessage,
  onChunk: () => void,
): AsyncGenerator<ServerSentEvent> {
  const events: ServerSentEvent[] = [];
  const parser = createParser({
    maxBufferSize: largestAnswer,
    onEvent: ({ event = "message", data }) => events.push({ name: event, data }),
    onComment: (data) => events.push({ name: "comment", data }),
  });
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    onChunk();
    parser.feed(chunk);
    yield* events.splice(0);
  }
}

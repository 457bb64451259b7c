import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RangeService {
  url: string;
  asked: { path: string; padding: string | undefined }[];
  /** What it does next. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** A Have-I-Been-Pwned range service that says what a test wants it to. */
export async function startRangeService(): Promise<RangeService> {
  const server = createServer((request, response) => {
    service.asked.push({
      path: request.url ?? "",
      padding: request.headers["add-padding"] as string | undefined,
    });
    service.answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const service: RangeService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`,
    asked: [],
    answer: (_request, response) => void response.end(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return service;
}

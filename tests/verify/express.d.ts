// Express has no types of its own; this is what the test uses, in Node's terms.
declare module "express" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
  type Handler = (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => void | Promise<void>;
  // oxlint-disable-next-line import/no-default-export
  export default function express(): RequestListener & {
    use: (handler: Handler) => void;
    get: (path: string, handler: Handler) => void;
  };
}

/** The part of autocannon 9 that is used here; the package brings no types. */
declare module "autocannon" {
  import type { EventEmitter } from "node:events";

  interface Request {
    method: string;
    path: string;
    headers: Record<string, string>;
    body?: string;
  }

  interface Options {
    url: string;
    connections: number;
    /** Requests in all; the run ends with the last answer. */
    amount: number;
    /** Failures after which the run ends early. */
    bailout: number;
    /** Milliseconds between looks at whether the run is over. */
    sampleInt: number;
    setupClient: (client: { setRequests(requests: Request[]): void }) => void;
    verifyBody: (body: string) => boolean;
  }

  interface Result {
    /** Lost connections and timeouts. */
    errors: number;
    non2xx: number;
    /** Bodies that verifyBody turned down. */
    mismatches: number;
  }

  /** Emits "response" with client, status, bytes and milliseconds. */
  type Run = EventEmitter & PromiseLike<Result>;

  export default function autocannon(options: Options): Run;
}

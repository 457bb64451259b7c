import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JWK } from "jose";
import type { SigningKey } from "./tokens.ts";
import { makeKey, sign } from "./tokens.ts";

const heartbeatMs = 20;

/** Speaks the gateway's protocol towards verifiers, and breaks it on demand. */
export class FakeGateway {
  key: SigningKey;
  published: JWK[];
  revoked: string[] = [];
  /** Overrides the signing of statements on revoked sessions. */
  signStatement = async (sids: string[]) =>
    sign(this.key, { sids: packed(sids), sub: undefined, sid: undefined }, { typ: "revoked-sessions+jwt" });
  /** What it does with requests: answers, answers 500, or never answers. */
  mood: "well" | "failing" | "hanging" = "well";
  /** Whether it has an event stream, has none, or one in which nothing ever comes. */
  streaming: "well" | "none" | "silent" = "well";
  beating = true;
  /** Answered in place of the keys. */
  keysText: string | undefined;
  readonly requests = { keys: 0, lists: 0, unchanged: 0, streams: 0 };
  #streams = new Set<ServerResponse>();
  #server: Server | undefined;
  #port = 0;
  #heart: NodeJS.Timeout | undefined;

  static readonly #running = new Set<FakeGateway>();

  private constructor(key: SigningKey) {
    this.key = key;
    this.published = [key.publicJwk];
  }

  static async start(key?: SigningKey): Promise<FakeGateway> {
    const gateway = new FakeGateway(key ?? (await makeKey("ES256")));
    await gateway.start();
    return gateway;
  }

  /** For `afterEach`, also when a test failed half-way. */
  static async stopAll(): Promise<void> {
    await Promise.all([...FakeGateway.#running].map((gateway) => gateway.stop()));
  }

  get jwksUri(): string {
    return `http://127.0.0.1:${this.#port}/.well-known/jwks.json`;
  }

  get revocations(): string {
    return `http://127.0.0.1:${this.#port}/.well-known/revoked-sessions`;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Also again, at the same address. */
  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    FakeGateway.#running.add(this);
    this.#heart = setInterval(() => {
      if (this.beating) for (const stream of this.#streams) stream.write(": ok\n\n");
    }, heartbeatMs);
  }

  async stop(): Promise<void> {
    FakeGateway.#running.delete(this);
    clearInterval(this.#heart);
    this.#streams.clear();
    this.#server?.close();
    this.#server?.closeAllConnections();
    if (this.#server?.listening) await once(this.#server, "close");
  }

  async revoke(...sids: string[]): Promise<void> {
    this.revoked.push(...sids);
    await this.say("revoked", await this.signStatement(sids));
  }

  async say(event: string, jwt: string): Promise<void> {
    for (const stream of this.#streams) stream.write(`event: ${event}\ndata: ${jwt}\n\n`);
  }

  cutStreams(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const wantsStream = request.headers.accept === "text/event-stream";
    if (path.endsWith("jwks.json")) this.requests.keys += 1;
    else this.requests[wantsStream ? "streams" : "lists"] += 1;
    if (this.mood === "hanging") return;
    if (this.mood === "failing") response.writeHead(500).end();
    else if (path.endsWith("jwks.json")) this.#answerKeys(response);
    else if (wantsStream) await this.#openStream(response);
    else await this.#answerList(request, response);
  }

  #answerKeys(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(this.keysText ?? JSON.stringify({ keys: this.published }));
  }

  async #openStream(response: ServerResponse): Promise<void> {
    if (this.streaming === "none") return void response.writeHead(406).end();
    const snapshot = await this.signStatement(this.revoked);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    if (this.streaming === "silent") return;
    response.write(`event: snapshot\ndata: ${snapshot}\n\n`);
    this.#streams.add(response);
    response.once("close", () => this.#streams.delete(response));
  }

  async #answerList(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const etag = `"${this.revoked.length}"`;
    if (request.headers["if-none-match"] === etag) {
      this.requests.unchanged += 1;
      return void response.writeHead(304, { etag }).end();
    }
    const list = await this.signStatement(this.revoked);
    response.writeHead(200, { "content-type": "application/jwt", etag }).end(list);
  }
}

/** One base64url string of 16 bytes an id. */
export function packed(sids: string[]): string {
  return Buffer.from(sids.join("").replaceAll("-", ""), "hex").toString("base64url");
}

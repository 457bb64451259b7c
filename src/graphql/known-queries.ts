import type { FormattedExecutionResult } from "graphql";
import { LRUCache } from "lru-cache";
import { retainedBytes } from "../security/retained-bytes.ts";
import type { Context } from "./context.ts";

/** What answers an operation that has been found valid. */
export interface Answers {
  run: (context: Context) => Promise<FormattedExecutionResult>;
  /** The body of the answer of a plain query, unless it is to be executed as any other. */
  bodyOf?: ((context: Context) => Promise<string | undefined>) | undefined;
}

/** An operation that came before; it stands in the place of the body that it came in. */
export class KnownOperation implements Answers {
  readonly run: Answers["run"];
  readonly bodyOf: Answers["bodyOf"];

  constructor({ run, bodyOf }: Answers) {
    this.run = run;
    this.bodyOf = bodyOf;
  }
}

/** Characters; those of programs have some hundred. */
const longestBody = 4_096;

/** Bytes of all bodies with their documents and what is compiled of them. */
const mostBytes = 10 * 2 ** 20;

/**
 * Queries without variables by the whole body of their request, as the programs that ask for them send it over and over:
 * what is in it was read, parsed and found valid before, and need not be again. Only those that Apollo has let pass to
 * their execution are learned; mutations never are, so no password is kept.
 */
export class KnownQueries {
  private readonly queries = new LRUCache<string, KnownOperation>({ max: 1_000, maxSize: mostBytes });
  /** The text of bodies that are being answered. */
  private readonly texts = new WeakMap<object, string>();

  find(text: string): KnownOperation | undefined {
    return text.length > longestBody ? undefined : this.queries.get(text);
  }

  /** Says what a body was before it was parsed. */
  note(body: unknown, text: string): void {
    if (typeof body === "object" && body !== null && text.length <= longestBody) this.texts.set(body, text);
  }

  /**
   * @param body as it was noted; of any other nothing is learned
   * @param documentBytes what the parsed document takes; what is compiled of it takes less
   */
  learn(body: unknown, documentBytes: number, answers: Answers): void {
    const text = typeof body === "object" && body !== null ? this.texts.get(body) : undefined;
    if (text === undefined) return;
    const size = retainedBytes(text) + 2 * documentBytes;
    this.queries.set(text, new KnownOperation(answers), { size });
  }
}

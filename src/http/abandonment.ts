import type { FastifyReply } from "fastify";
import type { ServerResponse } from "node:http";
import { ServiceUnavailable } from "../errors.ts";

/** Seconds. */
const retryAfter = 5;

/** An answer that is being made. */
export interface Waiting {
  /**
   * Aborted once nobody waits any more: the answer is late, or the client has hung up. Made for who asks, as most
   * never do. Fastify's own signal and time-out end with the arrival of the body.
   */
  readonly abandoned: AbortSignal;
}

class Answer implements Waiting {
  /** By `performance.now()`. */
  readonly deadline: number;
  private readonly raw: ServerResponse;
  private readonly refuse: (error: ServiceUnavailable) => void;
  private abandoning: AbortController | undefined;
  private isLate = false;

  constructor(deadline: number, raw: ServerResponse, refuse: (error: ServiceUnavailable) => void) {
    this.deadline = deadline;
    this.raw = raw;
    this.refuse = refuse;
  }

  get abandoned(): AbortSignal {
    if (this.abandoning === undefined) {
      this.abandoning = new AbortController();
      if (this.isLate || this.raw.closed) this.abandoning.abort();
      else this.raw.once("close", this.hangUp);
    }
    return this.abandoning.signal;
  }

  giveUp(): void {
    this.isLate = true;
    this.abandoning?.abort();
    this.refuse(new ServiceUnavailable({ retryAfter }));
  }

  end(): void {
    if (this.abandoning) this.raw.off("close", this.hangUp);
  }

  private readonly hangUp = () => this.abandoning?.abort();
}

/** Makes sure that an answer comes within so many milliseconds: work that is late is refused with ServiceUnavailable. */
export function answerWithin(milliseconds: number) {
  /** In the order of their deadlines, so that one timer does for all. */
  const answers = new Set<Answer>();
  let timer: NodeJS.Timeout | undefined;
  const watch = (delay: number) => (timer = setTimeout(giveUpTheLate, delay).unref());
  const giveUpTheLate = () => {
    timer = undefined;
    const now = performance.now();
    for (const answer of answers) {
      if (answer.deadline > now) {
        watch(answer.deadline - now);
        return;
      }
      answers.delete(answer);
      answer.giveUp();
    }
  };

  return <T>({ raw }: Pick<FastifyReply, "raw">, work: (waiting: Waiting) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const answer = new Answer(performance.now() + milliseconds, raw, reject);
      answers.add(answer);
      if (timer === undefined) watch(milliseconds);
      const end = () => {
        answers.delete(answer);
        answer.end();
      };
      work(answer).finally(end).then(resolve, reject);
    });
}

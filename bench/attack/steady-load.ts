import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { GraphqlRequest } from "../load.ts";

export interface Answer {
  /** From when the request was due, so that a server that falls behind does not look quick. */
  milliseconds: number;
  /** Of GraphQL; "OK" where there is no error, and that of the network where there is no answer. */
  code: string;
}

/** Sends so many requests a second, for so many seconds, whether they are answered or not. */
export async function sendSteadily(
  url: string,
  perSecond: number,
  seconds: number,
  make: (index: number) => GraphqlRequest,
): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true });
  const answers: Promise<Answer>[] = [];
  const start = performance.now();
  const amount = Math.round(perSecond * seconds);
  while (answers.length < amount) {
    const due = start + (answers.length * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 1) await delay(early);
    answers.push(send(url, make(answers.length), agent, due));
  }
  const all = await Promise.all(answers);
  agent.destroy();
  return all;
}

/** Sends one request. @param due the moment from which time is taken; now unless told otherwise */
export function send(
  url: string,
  { token, ...body }: GraphqlRequest,
  agent?: Agent,
  due = performance.now(),
): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const end = (code: string) => resolve({ milliseconds: performance.now() - due, code });
  const headers = { "content-type": "application/json", ...(token && { authorization: `Token ${token}` }) };
  const sent = request(url, { method: "POST", headers, ...(agent && { agent }) }, (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (part: string) => (text += part));
    answer.on("end", () => end(/"code":"(\w+)"/.exec(text)?.[1] ?? "OK"));
  });
  sent.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  sent.end(JSON.stringify(body));
  return promise;
}

/** By nearest rank; NaN of none. */
export function percentile(answers: Answer[], percent: number): number {
  const sorted = answers.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
}

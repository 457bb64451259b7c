import type { FastifyInstance } from "fastify";
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { ServiceUnavailable } from "../errors.ts";
import { LoadSampler } from "./load-sampler.ts";

/** Milliseconds between looks at how things are. */
const sampleInterval = 1_000;

/** Seconds. */
const retryAfter = 1;

/**
 * Operations that are answered at once even beyond a limit of memory: what was taken once is not always given back, and
 * who refused everything until it is could do so for ever.
 */
const answeredInAnyCase = 10;

/** Beyond these the process is about to be of no use to anybody: what it has begun comes first. */
export interface PressureLimits {
  /** Milliseconds that each turn of the event loop is late. */
  maxEventLoopDelay: number;
  /** Bytes of JavaScript. */
  maxHeapUsedBytes: number;
  /** Bytes of the process, hashing included. */
  maxRssBytes: number;
}

/**
 * Nine tenths of what V8 lets the heap have, and of the memory of the container or the machine.
 * @param processes that share that memory
 */
export function defaultPressureLimits(processes = 1): PressureLimits {
  return {
    maxEventLoopDelay: 1_000,
    maxHeapUsedBytes: Math.floor(0.9 * getHeapStatistics().heap_size_limit),
    maxRssBytes: Math.floor(
      (0.9 * Math.min(process.constrainedMemory() || Infinity, totalmem())) / processes,
    ),
  };
}

/** In `config` of a route: whether it is answered however much there is to do. */
interface PressureConfig {
  ignoresPressure?: boolean;
}

/** Refuses requests with 503 while the process is beyond a limit, but for routes with `config.ignoresPressure`. */
export async function refuseUnderPressure(server: FastifyInstance, limits: PressureLimits): Promise<void> {
  const load = new LoadSampler(sampleInterval, server.log);
  server.addHook("onClose", async () => load.close());
  const lateForLong = lastsLongerThan(sampleInterval);
  let answering = 0;
  const isOverloaded = () => {
    // One turn that took long (a start, a collection of garbage) is over by now.
    if (load.eventLoopDelay > limits.maxEventLoopDelay) return lateForLong();
    const { maxHeapUsedBytes, maxRssBytes } = limits;
    const takesTooMuch = load.heapUsedBytes > maxHeapUsedBytes || load.rssBytes > maxRssBytes;
    return takesTooMuch && answering >= answeredInAnyCase;
  };
  server.addHook("onRequest", ({ routeOptions }, _reply, done) => {
    const { ignoresPressure } = routeOptions.config as PressureConfig;
    if (!ignoresPressure && isOverloaded()) done(new ServiceUnavailable({ retryAfter }));
    else done();
  });
  // Those whose bodies are here. What comes by GET takes little, and the streams among it never end.
  const answered = () => void (answering -= 1);
  server.addHook("preHandler", ({ method }, { raw }, done) => {
    if (method === "POST") {
      answering += 1;
      raw.once("close", answered);
    }
    done();
  });
}

/** Is to be asked as long as something lasts, and says whether it has lasted so long; gaps of that length end it. */
function lastsLongerThan(milliseconds: number): () => boolean {
  let since = -Infinity;
  let lately = -Infinity;
  return () => {
    const now = performance.now();
    if (now - lately > milliseconds) since = now;
    lately = now;
    return now - since > milliseconds;
  };
}

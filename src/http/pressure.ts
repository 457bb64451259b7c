import underPressure from "@fastify/under-pressure";
import type { FastifyInstance } from "fastify";
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { ServiceUnavailable } from "../errors.ts";

/** Seconds; as often it is looked at how things are. */
const retryAfter = 1;

/** Beyond these the process is about to be of no use to anybody: what it has begun comes first. */
export interface PressureLimits {
  /** Milliseconds that each turn of the event loop is late. */
  maxEventLoopDelay: number;
  /** Bytes of JavaScript. */
  maxHeapUsedBytes: number;
  /** Bytes of the process, hashing included. */
  maxRssBytes: number;
}

/** Nine tenths of what `--max-old-space-size` lets the heap have, and of the memory of the container or the machine. */
export function defaultPressureLimits(): PressureLimits {
  return {
    maxEventLoopDelay: 1_000,
    maxHeapUsedBytes: Math.floor(0.9 * getHeapStatistics().heap_size_limit),
    maxRssBytes: Math.floor(0.9 * Math.min(process.constrainedMemory() || Infinity, totalmem())),
  };
}

/**
 * Refuses requests with 503 while the process is beyond a limit. A route's `config.pressureHandler` takes precedence:
 * what it returns is the answer, and undefined lets the request pass.
 */
export async function refuseUnderPressure(server: FastifyInstance, limits: PressureLimits): Promise<void> {
  await server.register(underPressure, {
    ...limits,
    sampleInterval: retryAfter * 1000,
    pressureHandler: async () => {
      throw new ServiceUnavailable({ retryAfter });
    },
  });
}

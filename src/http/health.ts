import type { FastifyInstance } from "fastify";
import { WrongClock } from "../timing/clock.ts";

/** `/health/live`: the process answers. `/health/ready`: it can serve, because its clock and its database are right. */
export function registerHealth(server: FastifyInstance, checkReadiness: () => Promise<void>): void {
  // Killing an overloaded instance shifts its load to the others.
  const live = { config: { ignoresPressure: true } };
  server.get("/health/live", live, async () => ({ status: "ok" }));
  let checking: Promise<void> | undefined;
  server.get("/health/ready", async (request, reply) => {
    try {
      // Concurrent probes share a check.
      await (checking ??= checkReadiness().finally(() => (checking = undefined)));
      return { status: "ok" };
    } catch (error) {
      const reason = error instanceof WrongClock ? error.message : "the database does not answer";
      request.log.warn({ err: error }, `not ready: ${reason}`);
      return reply.code(503).send({ status: "unavailable", reason });
    }
  });
}

import type { FastifyInstance } from "fastify";

/** `/health/live`: the process answers. `/health/ready`: it can serve, because the database answers too. */
export function registerHealth(server: FastifyInstance, checkDatabase: () => Promise<void>): void {
  // Who is killed for being busy leaves the others more to do.
  const live = { config: { ignoresPressure: true } };
  server.get("/health/live", live, async () => ({ status: "ok" }));
  server.get("/health/ready", async (request, reply) => {
    try {
      await checkDatabase();
      return { status: "ok" };
    } catch (error) {
      request.log.warn({ err: error }, "not ready: the database does not answer");
      return reply.code(503).send({ status: "unavailable", reason: "the database does not answer" });
    }
  });
}

import type { Gateway } from "./gateway.ts";
import { until } from "./until.ts";

/** Waits until no connection of the gateway's pool is held and nobody waits for one. */
export async function untilPoolIsIdle({ app }: Gateway): Promise<void> {
  const pool = await app.orm.em.getConnection().getNativeClient();
  await until(() => pool.totalCount === pool.idleCount && pool.waitingCount === 0);
}

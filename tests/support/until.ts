import { setTimeout as pause } from "node:timers/promises";

/** Waits for a condition; rejects when it does not come true in time. @param patience milliseconds */
export async function until(condition: () => Promise<boolean> | boolean, patience = 60_000): Promise<void> {
  const end = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not so within ${patience} ms: ${condition.toString()}`);
    await pause(20);
  }
}

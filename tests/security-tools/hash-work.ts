import { createHook } from "node:async_hooks";

/** Counts the computations of one algorithm in this process, from when they are handed over to when they come back. */
export class HashWork {
  started = 0;
  mostAtOnce = 0;
  readonly #underWay = new Set<number>();
  readonly #hook;

  /** @param resourceType as Node's async hooks name it, such as "argon2:HashWorker" or "PBKDF2REQUEST" */
  constructor(resourceType: string) {
    this.#hook = createHook({
      init: (id, type) => {
        if (type !== resourceType) return;
        this.started += 1;
        this.#underWay.add(id);
        this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay.size);
      },
      before: (id) => {
        this.#underWay.delete(id);
      },
    }).enable();
  }

  stop(): void {
    this.#hook.disable();
  }
}

import { createHook } from "node:async_hooks";

/** Counts the argon2 computations of this process, from when they are handed over to when they come back. */
export class Argon2Work {
  started = 0;
  mostAtOnce = 0;
  readonly #underWay = new Set<number>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (type !== "argon2:HashWorker") return;
      this.started += 1;
      this.#underWay.add(id);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay.size);
    },
    before: (id) => {
      this.#underWay.delete(id);
    },
  }).enable();

  stop(): void {
    this.#hook.disable();
  }
}

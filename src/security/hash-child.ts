// The process that hashes for a HashProcess. It loads the engines only, and answers one question after the other.
import { loadVectorisedArgon2 } from "./argon2-engines.ts";
import { deriveKey } from "./derive-key.ts";
import type { HashAnswer, HashQuestion } from "./hash-process.ts";

// A terminal and a service manager signal the gateway's children as well, and it needs them for what is in flight.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
// The channel closes when the gateway ends, however it ends.
process.on("disconnect", () => process.exit());

const argon2 = await loadVectorisedArgon2();
const send = (answer: HashAnswer) => process.send?.(answer, undefined, undefined, () => {});

process.on("message", ({ password, derivation }: HashQuestion) => {
  deriveKey(password, derivation, argon2).then(
    (key) => send({ key }),
    () => send({ failed: true }),
  );
});
send({ ready: true });

// Verifies a password again and again, with nothing of the gateway around it. Arguments: m in KiB, t, p, how many at once.
import { hash, verify } from "@node-rs/argon2";

const [memoryCost = 0, timeCost = 0, parallelism = 0, atOnce = 0] = process.argv.slice(2).map(Number);
const password = "correct horse battery staple";
const stored = await hash(password, { memoryCost, timeCost, parallelism });

/** Answers with the milliseconds that each took, and how many failed. */
async function verifyMany(amount: number) {
  const latencies: number[] = [];
  let left = amount;
  let failures = 0;
  const verifyOneAfterAnother = async () => {
    while (left-- > 0) {
      const start = performance.now();
      if (!(await verify(stored, password))) failures++;
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, verifyOneAfterAnother));
  return { latencies, failures, seconds: (performance.now() - start) / 1000 };
}

process.on("message", (message) => {
  if (typeof message === "number") void verifyMany(message).then((run) => process.send?.(run));
});
// Between questions nothing else keeps this process alive.
process.channel?.ref();
process.send?.("ready");

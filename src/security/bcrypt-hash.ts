import { extname } from "node:path";
import { Worker } from "node:worker_threads";

// The worker is a .ts file in src and a .js file once built.
const workerFile = new URL(`./bcrypt-worker${extname(import.meta.url)}`, import.meta.url);

/** Compares in a thread of its own: bcryptjs computes in JavaScript and would hold up everything else meanwhile. */
export async function matchesBcryptHash(hash: string, password: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const worker = new Worker(workerFile, { workerData: { hash, password } });
  worker.once("message", resolve);
  worker.once("error", reject);
  worker.once("exit", (code) =>
    reject(new Error(`The bcrypt thread ended with code ${code} and no answer.`)),
  );
  return promise;
}

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { helpersOf } from "./process-tree.ts";

const preload = new URL("dist/answer-questions.js", import.meta.url).href;

/** The longest that a clean stop of the gateway and its database may take, in milliseconds. */
const stopPatience = 45_000;

/** A process under measurement, with a channel to it. */
export interface Child {
  /** The next message from the process. @throws when it ends instead */
  nextMessage<Message>(): Promise<Message>;
  ask<Answer>(question: string | number): Promise<Answer>;
  /** Says what needs no answer. */
  tell(message: string): void;
  /** User and system time of all its threads and of the processes it has started, PostgreSQL's left out, in milliseconds. */
  cpuTime(): Promise<number>;
  /** Resident, with what processes that it has started have for themselves, in bytes. */
  memory(): Promise<number>;
  /** Rejects when the process ends before it was stopped. */
  ended: Promise<never>;
  stop(): Promise<void>;
}

export interface ChildOptions {
  cwd?: string;
  /** Nothing is preloaded, so that it starts as it would anywhere; it answers no questions then. */
  bare?: boolean;
}

/**
 * Starts a module, named relative to the project, in a process that answers questions. Its output goes to our stderr.
 * `npm run bench:build` must have been run.
 */
export function startChild(
  module: string,
  args: string[],
  environment: Record<string, string>,
  { cwd, bare = false }: ChildOptions = {},
): Child {
  const forked = fork(fileURLToPath(new URL(`../${module}`, import.meta.url)), args, {
    execArgv: ["--no-warnings", ...(bare ? [] : ["--import", preload])],
    // Settings of whoever starts the bench must not reach what is measured, a DATABASE_URL least of all.
    env: { ...inherited(), NODE_ENV: "production", BENCH_PID: String(process.pid), ...environment },
    stdio: ["ignore", 2, 2, "ipc"],
    ...(cwd !== undefined && { cwd }),
  });
  const exit = once(forked, "exit");
  const ended = exit.then(([code, signal]) => {
    throw new Error(`${module} has ended (${String(signal ?? code)})`);
  });
  ended.catch(() => {});

  const nextMessage = async <Message>() =>
    Promise.race([once(forked, "message").then(([message]) => message as Message), ended]);
  const ask = <Answer>(question: string | number) => {
    const answer = nextMessage<Answer>();
    forked.send(question);
    return answer;
  };
  const helpers = () => helpersOf(forked.pid ?? 0);
  return {
    nextMessage,
    ask,
    tell: (message) => void forked.send(message),
    cpuTime: async () => (await ask<number>("cpu-time")) + helpers().cpuTime,
    memory: async () => (await ask<number>("memory")) + helpers().memory,
    ended,
    async stop() {
      const impatience = setTimeout(() => forked.kill("SIGKILL"), stopPatience);
      forked.kill("SIGTERM");
      await exit;
      clearTimeout(impatience);
    },
  };
}

function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

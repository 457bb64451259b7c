import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const preload = new URL("answer-cpu-time.ts", import.meta.url).href;

/** The longest that a clean stop of the gateway and its database may take, in milliseconds. */
const stopPatience = 45_000;

/** A process under measurement, with a channel to it. */
export interface Child {
  /** The next message from the process. @throws when it ends instead */
  nextMessage<Message>(): Promise<Message>;
  ask<Answer>(question: string | number): Promise<Answer>;
  /** User and system time of all its threads since its start, in milliseconds. */
  cpuTime(): Promise<number>;
  /** Resident, in bytes. */
  memory(): Promise<number>;
  /** Rejects when the process ends before it was stopped. */
  ended: Promise<never>;
  stop(): Promise<void>;
}

/** Starts a module, named relative to the project, in a process that answers `cpuTime`. Its output goes to our stderr. */
export function startChild(
  module: string,
  args: string[],
  environment: Record<string, string>,
  cwd?: string,
): Child {
  const forked = fork(fileURLToPath(new URL(`../${module}`, import.meta.url)), args, {
    execArgv: ["--no-warnings", "--import", preload],
    // Settings of whoever starts the bench must not reach what is measured, a DATABASE_URL least of all.
    env: { ...inherited(), NODE_ENV: "production", ...environment },
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
  return {
    nextMessage,
    ask,
    cpuTime: () => ask<number>("cpu-time"),
    memory: () => ask<number>("memory"),
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

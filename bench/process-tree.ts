import { readdirSync, readFileSync } from "node:fs";

/** Of USER_HZ, which Linux shows to programs: 100 a second. */
const tick = 10;

/** What processes that a process has started add to it; nothing where there is no /proc. PostgreSQL is not counted. */
export interface Helpers {
  /** Milliseconds. */
  cpuTime: number;
  /** Bytes that no other process shares. */
  memory: number;
}

export function helpersOf(pid: number): Helpers {
  const total: Helpers = { cpuTime: 0, memory: 0 };
  for (const helper of descendantsOf(pid)) {
    total.cpuTime += helper.cpuTime;
    total.memory += ownMemory(helper.pid);
  }
  return total;
}

interface ProcessState {
  pid: number;
  parent: number;
  cpuTime: number;
}

function descendantsOf(pid: number): ProcessState[] {
  const all = readTexts("/proc", "stat").flatMap(readState);
  const below = (parent: number): ProcessState[] =>
    all.flatMap((state) => (state.parent === parent ? [state, ...below(state.pid)] : []));
  return below(pid);
}

/** proc_pid_stat(5): the name stands in parentheses, and may hold anything. */
function readState(text: string): ProcessState[] {
  const end = text.lastIndexOf(")");
  const [, parent, ...rest] = text.slice(end + 2).split(" ");
  if (text.slice(text.indexOf("(") + 1, end).startsWith("postgres")) return [];
  const [userTime, systemTime] = [rest[9], rest[10]].map(Number);
  return [
    {
      pid: Number.parseInt(text, 10),
      parent: Number(parent),
      cpuTime: ((userTime ?? 0) + (systemTime ?? 0)) * tick,
    },
  ];
}

function ownMemory(pid: number): number {
  const kilobytes = /^Private_\w+: +(\d+) kB/gm;
  const [text = ""] = readTexts(`/proc/${pid}`, "smaps_rollup", true);
  return [...text.matchAll(kilobytes)].reduce((sum, [, size]) => sum + Number(size) * 1024, 0);
}

/** Of all processes, or of one; those that have ended meanwhile are left out. */
function readTexts(directory: string, file: string, only = false): string[] {
  try {
    if (only) return [readFileSync(`${directory}/${file}`, "latin1")];
    return readdirSync(directory)
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readTexts(`${directory}/${name}`, file, true));
  } catch {
    return [];
  }
}

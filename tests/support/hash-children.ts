import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const isLinux = process.platform === "linux";

/** The processes that hash for a process, by their ids. */
export function hashChildrenOf(parent = process.pid): number[] {
  return hashChildren()
    .filter((each) => each.parent === parent)
    .map(({ pid }) => pid);
}

/** Whoever's it is. */
export function isHashChild(wanted: number): boolean {
  return hashChildren().some(({ pid }) => pid === wanted);
}

/** What the system shows of a process to others: its arguments and its environment. */
export function shownOf(pid: number): string {
  if (!isLinux) return execFileSync("ps", ["eww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8")).join("\n");
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Those that have ended but were not yet asked after are left out. */
function hashChildren(): Process[] {
  // Slim Linux systems have no `ps`.
  return (isLinux ? processes() : processesByPs()).filter(({ command }) => /hash-child/.test(command));
}

/** One that has ended has no command line. */
function processes(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
      return [{ pid: Number(name), parent: Number(parent), command }];
    } catch {
      return [];
    }
  });
}

function processesByPs(): Process[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,command="], { encoding: "utf8" }).split("\n");
  return lines.map((line) => {
    const [pid, parent, ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), command: command.join(" ") };
  });
}

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Of a process, in bytes. Slim Linux systems have no `ps`. */
export function residentMemory(pid: number): number {
  const kibibytes =
    process.platform === "linux"
      ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
      : execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Number(kibibytes) * 1024;
}

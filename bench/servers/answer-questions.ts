/** Preloaded into every measured process with `--import`, so that the product itself needs no door for it. */
import { writeFile } from "node:fs/promises";
import type { Session } from "node:inspector/promises";

let profiler: Session | undefined;

const answers: Record<string, (question: string) => unknown> = {
  memory: () => process.memoryUsage.rss(),
  "peak-memory": () => process.resourceUsage().maxRSS * 1024,
  // All threads are in it, those that hash passwords too.
  "cpu-time": () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  async "profile-start"() {
    // Not before it is needed: it would count as memory of what is measured.
    const inspector = await import("node:inspector/promises");
    profiler = new inspector.Session();
    profiler.connect();
    await profiler.post("Profiler.enable");
    await profiler.post("Profiler.start");
    return "started";
  },
  /** The question goes on with a space and the file to write. */
  async "profile-stop"(question) {
    const ended = await profiler?.post("Profiler.stop");
    await writeFile(question.slice("profile-stop ".length), JSON.stringify(ended?.profile));
    return "written";
  },
};

// What the measured process starts is started with this, too, and has a channel for other things.
if (process.env["BENCH_PID"] === String(process.ppid)) {
  process.on("message", (message) => {
    if (typeof message !== "string") return;
    const answer = answers[message.split(" ")[0] ?? ""];
    if (answer) void Promise.resolve(answer(message)).then((given) => process.send?.(given));
  });
  // A bench that was killed cannot stop what it started.
  process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The listeners alone would keep the process from ending by itself.
  process.channel?.unref();
}

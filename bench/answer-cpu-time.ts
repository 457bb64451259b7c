/** Preloaded into every measured process with `--import`, so that the product itself needs no door for it. */
process.on("message", (message) => {
  if (message === "memory") process.send?.(process.memoryUsage.rss());
  if (message !== "cpu-time") return;
  // All threads are in it, those that hash passwords too.
  const { user, system } = process.cpuUsage();
  process.send?.((user + system) / 1000);
});
// A bench that was killed cannot stop what it started.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
// The listeners alone would keep the process from ending by itself.
process.channel?.unref();

// A process that hashes, of which nothing is heard.
process.on("message", () => {});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });

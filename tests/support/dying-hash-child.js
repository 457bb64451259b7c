// A process that hashes, of which nothing comes.
process.on("message", () => process.exit(1));
process.send?.({ ready: true });

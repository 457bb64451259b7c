import { rm } from "node:fs/promises";
import { testServer } from "./test-server.ts";

export default async function tearDown(): Promise<void> {
  await testServer.postgres?.stop();
  if (testServer.directory) await rm(testServer.directory, { recursive: true, force: true });
}

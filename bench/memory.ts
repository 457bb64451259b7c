import { connections, constantLoad, meLoad, startBareServer } from "./contenders.ts";
import { onDatabase, startGateway } from "./gateway.ts";
import type { SignedInAccount } from "./gateway.ts";
import { load } from "./load.ts";
import type { Load } from "./load.ts";
import type { Sampler } from "./sample.ts";
import type { CleanUp } from "./undo.ts";

export const requestsBeforeMemory = 100_000;

/** Resident bytes. */
export interface Memory {
  bare: number;
  gateway: number;
}

/** Has a bare server and a gateway, both fresh, answer their requests, and looks at what they then hold. */
export async function measureMemory(
  cleanUp: CleanUp,
  databaseUrl: string,
  accounts: SignedInAccount[],
  sampler: Sampler,
  requests: number,
): Promise<Memory> {
  const after = async (name: string, given: Load) => {
    process.stderr.write(`memory: ${name}\n`);
    const { failures } = await load(given, requests);
    sampler.count(`${name}, for its memory`, failures);
    return given.server.child.memory();
  };
  const gateway = await startGateway(cleanUp, onDatabase(databaseUrl));
  return {
    bare: await after("constant field", constantLoad(await startBareServer(cleanUp), connections)),
    gateway: await after("me", meLoad(gateway, accounts.slice(0, connections))),
  };
}

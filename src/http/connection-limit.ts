import type { Server } from "node:http";
import type { Socket } from "node:net";
import { addressBlock } from "../security/address-block.ts";
import { rawAnswer } from "./unreadable-request.ts";

/** Seconds. */
const retryAfter = 5;

const tooMany = rawAnswer(
  503,
  "SERVICE_UNAVAILABLE",
  "Your address has too many connections open. Close some, and try again.",
  retryAfter,
);

/** Lets no address (see addressBlock) have more connections at a time than that. @param isExempt those that may */
export function limitConnections(server: Server, most: number, isExempt: (address: string) => boolean): void {
  const open = new Map<string, number>();
  server.prependListener("connection", (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isExempt(remoteAddress)) return;
    const block = addressBlock(remoteAddress);
    const count = open.get(block) ?? 0;
    if (count >= most) {
      socket.end(tooMany);
      socket.destroySoon();
      return;
    }
    open.set(block, count + 1);
    socket.once("close", () => {
      const left = (open.get(block) ?? 0) - 1;
      if (left > 0) open.set(block, left);
      else open.delete(block);
    });
  });
}

import { AsyncLocalStorage } from "node:async_hooks";
import { addressBlocks } from "../security/address-block.ts";
import type { SharePath } from "./share-tree.ts";

/** Characters of a name that tell accounts apart; the longest email address has 254. */
const longestName = 320;

/** Background work competes with callers as one more address. */
const ownShare: SharePath = ["gatehouse"];

class Caller {
  private address: string | (() => string);
  private account = "";
  private path: SharePath | undefined;

  constructor(readAddress: () => string) {
    this.address = readAddress;
  }

  /** Computed on demand: most requests take nothing that is bounded. */
  get share(): SharePath {
    // The function may hold on to the request, and a connection that is opened now holds on to this caller.
    if (typeof this.address === "function") this.address = this.address();
    return (this.path ??= shareOf(this.address, this.account));
  }

  use(account: string): void {
    this.account = account;
    this.path = undefined;
  }
}

const callers = new AsyncLocalStorage<Caller>();

/** Counts what `work` takes, and whatever it goes on to do, against the share of an address. */
export function runForAddress<Result>(readAddress: () => string, work: () => Result): Result {
  return callers.run(new Caller(readAddress), work);
}

/** From now on the request counts against the share of this account at its address. @param account see `accountName` */
export function countAgainst(account: string): void {
  callers.getStore()?.use(account);
}

/** The share that the present request counts against. */
export function currentShare(): SharePath {
  return callers.getStore()?.share ?? ownShare;
}

/** The account's share is part of its address's, so other addresses cannot use it up. */
export function shareOf(address: string, account: string): SharePath {
  return [...addressBlocks(address), account];
}

/** One spelling of a name that was typed, whether it has an account or not. */
export function accountName({ email, username }: { email?: unknown; username?: unknown }): string {
  const name = email ?? username;
  return typeof name === "string" ? name.slice(0, longestName).trim().normalize("NFKC").toLowerCase() : "";
}

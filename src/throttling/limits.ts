import { addressBlocks } from "../security/address-block.ts";
import { AttemptLimit, times } from "./attempt-limit.ts";
import type { Allowance } from "./attempt-limit.ts";
import type { AttemptStore } from "./attempt-store.ts";

export interface ThrottleSettings {
  /** Wrong passwords for one account from one address. */
  password: Allowance;
  /** Wrong passwords for one account from all addresses that have not signed in to it before. */
  account: Allowance;
  /** Wrong passwords from one address; refresh tokens that were none, in a count of their own. */
  address: Allowance;
  /** Registrations from one address. */
  registration: Allowance;
  /** Refreshes of one session. */
  refresh: Allowance;
  /** Changes of one account. */
  update: Allowance;
}

/** Counted by address, and in a second count by the wider network of an IPv6 address. */
type ByAddress = "address" | "registration" | "otherForms" | "refresh";

/** What is counted, each by its own keys. */
export type Limits = Record<
  ByAddress | `${ByAddress}Network` | "accountAndAddress" | "accountAndSession" | "account",
  AttemptLimit
>;

/** A count: its kind and the parts of its key. */
export type Whose = readonly [keyof Limits, readonly string[]];

/** Forms that create no account and report no taken name, per registration. */
const otherFormsPerRegistration = 10;

/** The allowance of a /48 network in allowances of one address: it has 65,536 of these, for one site or for many phones. */
const networkFactor = 10;

/** The counts of an address and, with IPv6, of its network. Once the address is refused, its network is charged no more. */
export function chargedFor(kind: ByAddress, ip: string): Whose[] {
  const [widest, ...narrower] = addressBlocks(ip);
  const [address] = narrower;
  return address === undefined
    ? [[kind, [widest]]]
    : [
        [kind, [address]],
        [`${kind}Network`, [widest]],
      ];
}

function ofNetwork(allowance: Allowance): Allowance {
  return times(networkFactor, allowance);
}

export function limitsOf(
  { password, account, address, registration }: ThrottleSettings,
  store: AttemptStore,
): Limits {
  const otherForms = times(otherFormsPerRegistration, registration);
  return {
    address: new AttemptLimit(store, "address", address),
    addressNetwork: new AttemptLimit(store, "address-network", ofNetwork(address)),
    accountAndAddress: new AttemptLimit(store, "account-and-address", password, true),
    accountAndSession: new AttemptLimit(store, "account-and-session", password, true),
    account: new AttemptLimit(store, "account", account, true),
    registration: new AttemptLimit(store, "registration", registration),
    registrationNetwork: new AttemptLimit(store, "registration-network", ofNetwork(registration)),
    otherForms: new AttemptLimit(store, "registration-forms", otherForms),
    otherFormsNetwork: new AttemptLimit(store, "registration-forms-network", ofNetwork(otherForms)),
    refresh: new AttemptLimit(store, "refresh", address),
    refreshNetwork: new AttemptLimit(store, "refresh-network", ofNetwork(address)),
  };
}

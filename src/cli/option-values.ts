import { InvalidArgumentError } from "commander";
import { normalizeAddress } from "../security/ip-address.ts";
import { isUuid } from "../security/uuid.ts";

/** What the options of commands take: text -> a checked value, or a line that says what is taken. */
export function uuid(text: string): string {
  const id = text.toLowerCase();
  if (!isUuid(id)) throw new InvalidArgumentError("It takes a UUID.");
  return id;
}

export function ipAddress(text: string): string {
  const address = normalizeAddress(text);
  if (address === undefined) throw new InvalidArgumentError("It takes an IPv4 or IPv6 address.");
  return address;
}

export const wholeNumber = (most: number) => (text: string) => {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > most) throw new InvalidArgumentError(`It takes a whole number from 1 to ${most}.`);
  return count;
};

export const oneOf =
  <Name extends string>(names: readonly Name[]) =>
  (text: string): Name => {
    const name = names.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
    if (name === undefined) throw new InvalidArgumentError(`It takes one of ${names.join(", ")}.`);
    return name;
  };

const millisecondsPerUnit = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

/** "2h" is two hours ago. */
export function moment(text: string): Date {
  const [, amount, unit] = /^(\d{1,5})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined)
    return new Date(Date.now() - Number(amount) * millisecondsPerUnit[unit as "s" | "m" | "h" | "d"]);
  const date = new Date(text);
  if (!/^(?!0000)\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError("It takes a time such as 2026-01-31T12:00Z, or how long ago, such as 2h.");
  return date;
}

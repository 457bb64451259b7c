import { isIP, isIPv4 } from "node:net";
import { availableParallelism } from "node:os";
import { z } from "zod";
import { normalizeAddress } from "../security/ip-address.ts";

/** What the variables of the configuration may hold: text from outside -> a checked value, or a line that says what is taken. */
export const onOff = z.enum(["on", "off"], "takes on or off").transform((value) => value === "on");

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, `takes a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `takes a whole number from ${min} to ${max}`);

/** A number of processes; auto is one for each core. */
export const workers = z
  .string()
  .regex(/^(?:auto|[1-9]|[1-5]\d|6[0-4])$/, "takes auto or a whole number from 1 to 64")
  .transform((text) => (text === "auto" ? Math.min(64, availableParallelism()) : Number(text)));

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "15m" -> 900 seconds. */
export const duration = (form = /^[1-9]\d{0,5}[smhd]$/, amount = "a number above 0") =>
  z.string().regex(form, `takes ${amount} and a unit: s, m, h or d, as in 15m`).transform(secondsOf);

function secondsOf(text: string): number {
  return Number(text.slice(0, -1)) * secondsPerUnit[text.slice(-1) as "s" | "m" | "h" | "d"];
}

export const durationOrNone = duration(/^\d{1,6}[smhd]$/, "a number");

/** "10/15m" -> 10 in 900 seconds. */
export const allowance = z
  .string()
  .regex(/^[1-9]\d{0,5}\/[1-9]\d{0,5}[smhd]$/, "takes a number and a duration, as in 10/15m")
  .transform((text) => {
    const [attempts = "", time = ""] = text.split("/");
    return { attempts: Number(attempts), seconds: secondsOf(time) };
  });

export const commaList = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean),
);

/** off, the number of proxies in front of us, or their addresses; never "trust everyone", which lets a client choose its address. */
export const trustedProxies = z
  .string()
  .refine(
    (text) => /^(off|[1-9]\d?)$/.test(text) || text.split(",").every((item) => isNetwork(item.trim())),
    "takes off, the number of proxies in front (1 to 99), or their addresses or networks, separated by commas",
  )
  .transform((text) => (text === "off" ? false : /^\d+$/.test(text) ? Number(text) : text));

/** An address, or one with the length of a prefix, such as 10.0.0.0/8, but not the network of all addresses. */
function isNetwork(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  const isMapped = bits === 128 && isIPv4(normalizeAddress(address) ?? "");
  if (bits < 0 || more.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits && Number(prefix) > (isMapped ? 96 : 0);
}

/** Gets its slash. Credentials and a query would not survive what is put behind it. */
export const rangeService = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^@?#,\s]+$/.test(text) && URL.canParse(text),
    "takes a URL such as https://api.pwnedpasswords.com/range/, without credentials or query",
  )
  .transform((text) => (text.endsWith("/") ? text : `${text}/`));

const longEnough = (secret: string) => Buffer.byteLength(secret) >= 32;

export const secret = z
  .string()
  .refine(longEnough, "takes 32 bytes or more; `openssl rand -base64 48` makes one")
  .refine(
    (text) => !text.includes(",") || !text.split(",").every(longEnough),
    "takes one secret, not a list",
  );

/** The first seals; the others still open what was sealed before. */
export const secrets = commaList.refine(
  (list) => list.length > 0 && list.every(longEnough),
  "takes 32 bytes or more; `openssl rand -base64 48` makes one. Several are separated by commas: the first is the present one",
);

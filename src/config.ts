import { isIP } from "node:net";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";

const onOff = z.enum(["on", "off"], "takes on or off").transform((value) => value === "on");

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, `takes a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `takes a whole number from ${min} to ${max}`);

const secondsPerUnit = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "15m" -> 900 seconds. */
const duration = (form = /^[1-9]\d{0,5}[smhd]$/) =>
  z
    .string()
    .regex(form, "takes a number and a unit: s, m, h or d, as in 15m")
    .transform((text) => Number(text.slice(0, -1)) * secondsPerUnit[text.slice(-1) as "s" | "m" | "h" | "d"]);

const durationOrNone = duration(/^\d{1,6}[smhd]$/);

const commaList = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean),
);

const origins = commaList.refine(
  (list) => list.every((item) => URL.canParse(item) && new URL(item).origin === item),
  "takes origins such as https://app.example.com, separated by commas",
);

/** off, the number of proxies in front of us, or their addresses; never "trust everyone", which lets a client choose its address. */
const trustedProxies = z
  .string()
  .refine(
    (text) => /^(off|[1-9]\d?)$/.test(text) || text.split(",").every((item) => isNetwork(item.trim())),
    "takes off, the number of proxies in front (1 to 99), or their addresses or networks, separated by commas",
  )
  .transform((text) => (text === "off" ? false : /^\d+$/.test(text) ? Number(text) : text));

/** An address, or one with the length of a prefix: 10.0.0.0/8. */
function isNetwork(text: string): boolean {
  const [address = "", prefix] = text.split("/", 2);
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return bits > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
}

const databaseUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && ["postgres:", "postgresql:"].includes(new URL(text).protocol),
    "takes a URL such as postgresql://user:password@host:5432/database",
  );

const jwtSecret = z
  .string()
  .refine(
    (text) => Buffer.byteLength(text) >= 32,
    "takes 32 bytes or more; `openssl rand -base64 48` makes one",
  );

const schema = z
  .object({
    NODE_ENV: z
      .enum(["development", "production", "test"], "takes development, production or test")
      .default("development"),
    HOST: z.string().default("127.0.0.1"),
    PORT: wholeNumber(0, 65_535).default(4000),
    DATABASE_URL: databaseUrl.optional(),
    DATA_DIR: z.string().default(".data"),
    MIGRATE_ON_START: onOff.optional(),
    JWT_SECRET: jwtSecret.optional(),
    JWT_ISSUER: z.string().default("gatehouse"),
    JWT_AUDIENCE: z.string().default("gatehouse"),
    ACCESS_TOKEN_TTL: duration().default(15 * 60),
    REFRESH_TOKEN_TTL: duration().default(60 * 86_400),
    REFRESH_GRACE: durationOrNone.default(30),
    REAUTHENTICATE_AFTER: durationOrNone.default(10 * 60),
    CORS_ORIGINS: origins.default([]),
    TRUST_PROXY: trustedProxies.default(false),
    /** Nothing is governed by it yet; it is read so that a wrong value is found. */
    RATE_LIMIT: onOff.default(true),
    INTROSPECTION: onOff.optional(),
    IDE: onOff.optional(),
    LOG_LEVEL: z
      .enum(
        ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
        "takes fatal, error, warn, info, debug, trace or silent",
      )
      .default("info"),
    /** npm sets it for what it starts. */
    npm_lifecycle_event: z.string().optional(),
    ARGON2_MEMORY: wholeNumber(8, 4_194_304).default(19_456),
    ARGON2_TIME: wholeNumber(1, 100).default(2),
    ARGON2_PARALLELISM: wholeNumber(1, 64).default(1),
    HASH_CONCURRENCY: wholeNumber(1, 64).optional(),
    HASH_QUEUE: wholeNumber(0, 10_000).default(100),
  })
  .refine((env) => env.DATABASE_URL === undefined || env.JWT_SECRET !== undefined, {
    path: ["JWT_SECRET"],
    error: "is required with DATABASE_URL: 32 bytes or more; `openssl rand -base64 48` makes one",
  })
  .refine((env) => env.ARGON2_MEMORY >= 8 * env.ARGON2_PARALLELISM, {
    path: ["ARGON2_MEMORY"],
    error: "takes at least 8 KiB for each of ARGON2_PARALLELISM",
  })
  .transform((env) => ({
    startedByNpm: env.npm_lifecycle_event !== undefined,
    host: env.HOST,
    port: env.PORT,
    /** Unset: the embedded PostgreSQL under `dataDir`. */
    databaseUrl: env.DATABASE_URL,
    dataDir: resolve(env.DATA_DIR),
    migrateOnStart: env.MIGRATE_ON_START ?? env.DATABASE_URL === undefined,
    /** Unset: made once and kept under `dataDir`. */
    jwtSecret: env.JWT_SECRET,
    jwtIssuer: env.JWT_ISSUER,
    jwtAudience: env.JWT_AUDIENCE,
    /** Seconds, as are all durations here. */
    accessTokenTtl: env.ACCESS_TOKEN_TTL,
    refreshTokenTtl: env.REFRESH_TOKEN_TTL,
    refreshGrace: env.REFRESH_GRACE,
    reauthenticateAfter: env.REAUTHENTICATE_AFTER,
    corsOrigins: env.CORS_ORIGINS,
    trustProxy: env.TRUST_PROXY,
    rateLimit: env.RATE_LIMIT,
    introspection: env.INTROSPECTION ?? env.NODE_ENV !== "production",
    ide: env.IDE ?? env.NODE_ENV !== "production",
    logLevel: env.LOG_LEVEL,
    passwordHashing: {
      /** KiB. */
      memoryCost: env.ARGON2_MEMORY,
      timeCost: env.ARGON2_TIME,
      parallelism: env.ARGON2_PARALLELISM,
      concurrency: env.HASH_CONCURRENCY ?? Math.max(1, availableParallelism() - 1),
      queueLimit: env.HASH_QUEUE,
    },
  }));

export type Config = Readonly<z.output<typeof schema>>;

/** The start must stop: one line per faulty variable, each with its name and what it takes. */
export class ConfigError extends Error {}

/** Reads and checks the configuration; nothing else reads the environment. An empty variable counts as unset. */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(given);
  if (result.success) return Object.freeze(result.data);
  throw new ConfigError(
    result.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("\n"),
  );
}

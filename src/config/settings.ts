import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";
import {
  allowance,
  duration,
  durationOrNone,
  onOff,
  rangeService,
  secret,
  secrets,
  trustedProxies,
  wholeNumber,
  workers,
} from "./config-values.ts";
import { origins } from "./cors-origins.ts";
import { databaseUrl } from "./database-url.ts";
import { filePath, identifier, listeningHost } from "./setting-forms.ts";

/** Every variable of the environment that is read, with what it takes, and what the settings are made of. */
export const settings = z
  .object({
    NODE_ENV: z
      .enum(["development", "production", "test"], "takes development, production or test")
      .default("development"),
    HOST: listeningHost.default("127.0.0.1"),
    PORT: wholeNumber(0, 65_535).default(4000),
    WORKERS: workers.default(1),
    DATABASE_URL: databaseUrl.optional(),
    EMBEDDED_DATABASE: onOff.optional(),
    DATA_DIR: filePath.default(".data"),
    MIGRATE_ON_START: onOff.optional(),
    JWT_ALGORITHM: z
      .enum(["ES256", "RS256", "PS256", "HS256"], "takes ES256, RS256, PS256 or HS256")
      .default("ES256"),
    JWT_SECRET: secret.optional(),
    ENCRYPTION_KEY: secrets.optional(),
    KEY_ROTATION: duration().default(90 * 86_400),
    KEY_PUBLISH_AHEAD: durationOrNone.default(3600),
    JWT_ISSUER: identifier.default("gatehouse"),
    JWT_AUDIENCE: identifier.default("gatehouse"),
    FORWARD_AUTH_AUDIENCE: identifier.optional(),
    ACCESS_TOKEN_TTL: duration().default(15 * 60),
    REFRESH_TOKEN_TTL: duration().default(60 * 86_400),
    SESSION_IDLE_TTL: duration().optional(),
    SESSION_ABSOLUTE_TTL: duration().default(365 * 86_400),
    MAX_SESSIONS_PER_USER: wholeNumber(1, 10_000).default(50),
    REFRESH_GRACE: durationOrNone.default(30),
    REAUTHENTICATE_AFTER: durationOrNone.default(10 * 60),
    NAME_REUSE_AFTER: durationOrNone.default(90 * 86_400),
    AUTH_EVENTS_RETENTION: duration()
      .refine((seconds) => seconds >= 86_400, "takes 1d or more: the database keeps the last day in any case")
      .default(365 * 86_400),
    PASSWORD_CHECKS: onOff.default(true),
    REGISTRATION_PRIVACY: onOff.default(false),
    USERNAME_RULES: z.enum(["strict", "as-recorded"], "takes strict or as-recorded").default("strict"),
    PWNED_PASSWORDS_URL: rangeService.optional(),
    CLAIMS_FILE: filePath.optional(),
    CLAIMS_NAMESPACE: identifier.max(200, "takes at most 200 characters").optional(),
    CORS_ORIGINS: origins.default([]),
    TRUST_PROXY: trustedProxies.default(false),
    RATE_LIMIT: onOff.default(true),
    RATE_LIMIT_PASSWORD: allowance.default({ attempts: 10, seconds: 15 * 60 }),
    RATE_LIMIT_ACCOUNT: allowance.default({ attempts: 100, seconds: 3600 }),
    RATE_LIMIT_ADDRESS: allowance.default({ attempts: 100, seconds: 3600 }),
    RATE_LIMIT_REGISTER: allowance.default({ attempts: 20, seconds: 3600 }),
    RATE_LIMIT_REFRESH: allowance.default({ attempts: 120, seconds: 60 }),
    RATE_LIMIT_UPDATE: allowance.default({ attempts: 60, seconds: 10 * 60 }),
    MAX_CREDENTIAL_OPERATIONS: wholeNumber(1, 1000).default(1),
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
  .refine(
    (env) => env.DATABASE_URL !== undefined || (env.EMBEDDED_DATABASE ?? env.NODE_ENV !== "production"),
    {
      path: ["DATABASE_URL"],
      error:
        "is required with NODE_ENV=production or EMBEDDED_DATABASE=off; EMBEDDED_DATABASE=on allows the embedded one",
    },
  )
  .refine((env) => env.DATABASE_URL === undefined || env.EMBEDDED_DATABASE !== true, {
    path: ["EMBEDDED_DATABASE"],
    error: "takes off with DATABASE_URL, which names another database",
  })
  .refine((env) => !needs(env, "HS256") || env.JWT_SECRET !== undefined, {
    path: ["JWT_SECRET"],
    error:
      "is required with DATABASE_URL and JWT_ALGORITHM=HS256: 32 bytes or more; `openssl rand -base64 48` makes one",
  })
  .refine((env) => !needs(env, "ES256", "RS256", "PS256") || env.ENCRYPTION_KEY !== undefined, {
    path: ["ENCRYPTION_KEY"],
    error:
      "is required with DATABASE_URL, to seal the signing keys: 32 bytes or more; `openssl rand -base64 48` makes one",
  })
  .refine((env) => env.FORWARD_AUTH_AUDIENCE !== `${env.JWT_AUDIENCE}/refresh`, {
    path: ["FORWARD_AUTH_AUDIENCE"],
    error: "takes another audience than that of the refresh tokens",
  })
  .refine((env) => env.CLAIMS_NAMESPACE === undefined || env.CLAIMS_FILE !== undefined, {
    path: ["CLAIMS_NAMESPACE"],
    error: "needs CLAIMS_FILE, which says what the claims are",
  })
  .refine((env) => env.ARGON2_MEMORY >= 8 * env.ARGON2_PARALLELISM, {
    path: ["ARGON2_MEMORY"],
    error: "takes at least 8 KiB for each of ARGON2_PARALLELISM",
  })
  .transform((env) => ({
    startedByNpm: env.npm_lifecycle_event !== undefined,
    host: env.HOST,
    port: env.PORT,
    /** Processes that listen. */
    workers: env.WORKERS,
    /** Of each worker, at most; fewer would keep requests waiting for one another. */
    databaseConnections: Math.max(4, Math.floor(20 / env.WORKERS)),
    /** Unset: the embedded PostgreSQL under `dataDir`. */
    databaseUrl: env.DATABASE_URL,
    dataDir: resolve(env.DATA_DIR),
    migrateOnStart: env.MIGRATE_ON_START ?? env.DATABASE_URL === undefined,
    jwtAlgorithm: env.JWT_ALGORITHM,
    /** For HS256. Unset: made once and kept under `dataDir`. */
    jwtSecret: env.JWT_SECRET,
    /** For the other algorithms. The first seals, all open. Unset: made once and kept under `dataDir`. */
    encryptionKeys: env.ENCRYPTION_KEY,
    keyRotation: env.KEY_ROTATION,
    keyPublishAhead: env.KEY_PUBLISH_AHEAD,
    jwtIssuer: env.JWT_ISSUER,
    jwtAudience: env.JWT_AUDIENCE,
    /** Of the tokens that `/auth/verify?token=true` hands on. */
    forwardAuthAudience: env.FORWARD_AUTH_AUDIENCE ?? `${env.JWT_AUDIENCE}/upstream`,
    /** Seconds, as are all durations here. */
    sessionLimits: {
      accessTokenTtl: env.ACCESS_TOKEN_TTL,
      refreshTokenTtl: env.REFRESH_TOKEN_TTL,
      /** Unset: as long as a refresh token lives. */
      idleTtl: env.SESSION_IDLE_TTL ?? env.REFRESH_TOKEN_TTL,
      absoluteTtl: env.SESSION_ABSOLUTE_TTL,
      refreshGrace: env.REFRESH_GRACE,
      maxPerUser: env.MAX_SESSIONS_PER_USER,
    },
    reauthenticateAfter: env.REAUTHENTICATE_AFTER,
    nameReuseAfter: env.NAME_REUSE_AFTER,
    authEventsRetention: env.AUTH_EVENTS_RETENTION,
    /** Whether common passwords, and those made of the user's names, are refused. */
    passwordChecks: env.PASSWORD_CHECKS,
    /** Whether it is kept secret which names have an account. */
    registrationPrivacy: env.REGISTRATION_PRIVACY,
    /** What new usernames may contain. */
    usernameRules: env.USERNAME_RULES,
    /** Ends with a slash. Unset: no service is asked. */
    pwnedPasswordsUrl: env.PWNED_PASSWORDS_URL,
    claimsFile: env.CLAIMS_FILE,
    claimsNamespace: env.CLAIMS_NAMESPACE,
    corsOrigins: env.CORS_ORIGINS,
    trustProxy: env.TRUST_PROXY,
    /** Unset: nothing is counted. */
    rateLimits: env.RATE_LIMIT
      ? {
          password: env.RATE_LIMIT_PASSWORD,
          account: env.RATE_LIMIT_ACCOUNT,
          address: env.RATE_LIMIT_ADDRESS,
          registration: env.RATE_LIMIT_REGISTER,
          refresh: env.RATE_LIMIT_REFRESH,
          update: env.RATE_LIMIT_UPDATE,
        }
      : undefined,
    maxCredentialOperations: env.MAX_CREDENTIAL_OPERATIONS,
    introspection: env.INTROSPECTION ?? env.NODE_ENV !== "production",
    ide: env.IDE ?? env.NODE_ENV !== "production",
    logLevel: env.LOG_LEVEL,
    passwordHashing: {
      /** KiB. */
      memoryCost: env.ARGON2_MEMORY,
      timeCost: env.ARGON2_TIME,
      parallelism: env.ARGON2_PARALLELISM,
      /** Of each worker, as is the queue; all together they hash as many. */
      concurrency: Math.max(1, Math.floor((env.HASH_CONCURRENCY ?? availableParallelism()) / env.WORKERS)),
      queueLimit: Math.ceil(env.HASH_QUEUE / env.WORKERS),
    },
  }));

/** With the embedded database what is needed is made. */
function needs(env: { DATABASE_URL?: unknown; JWT_ALGORITHM: string }, ...algorithms: string[]): boolean {
  return env.DATABASE_URL !== undefined && algorithms.includes(env.JWT_ALGORITHM);
}

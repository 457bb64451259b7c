import "reflect-metadata";
import type { FastifyInstance } from "fastify";
import type { GraphQLSchema } from "graphql";
import type { Logger } from "pino";
import { accountServices } from "./accounts/account-services.ts";
import type { AccountService } from "./accounts/account.service.ts";
import { releasedNameRemoval } from "./accounts/names/released-names.ts";
import { UserDirectory } from "./accounts/user-directory.service.ts";
import type { Config } from "./config/config.ts";
import { eventRemoval } from "./events/event-removal.ts";
import { SecurityEventsResolver } from "./events/security-events.resolver.ts";
import { SecurityEvents } from "./events/security-events.service.ts";
import { FederationResolver } from "./federation/federation.resolver.ts";
import { forwardAuthRoutes } from "./forward-auth/forward-auth.route.ts";
import { ForwardAuthService } from "./forward-auth/forward-auth.service.ts";
import { createApollo } from "./graphql/apollo.ts";
import { contextBuilder } from "./graphql/context.ts";
import type { Context } from "./graphql/context.ts";
import { FieldErrorCodesResolver } from "./graphql/field-error-codes.resolver.ts";
import { HashRefusals } from "./graphql/hash-refusals.ts";
import { KnownQueries } from "./graphql/known-queries.ts";
import { createServer } from "./http/server.ts";
import { configuredKeys } from "./keys/configured-keys.ts";
import type { KeyRotation } from "./keys/key-rotation.ts";
import { wellKnownRoutes } from "./keys/well-known.route.ts";
import { ClockWatch } from "./persistence/clock-watch.ts";
import { checkReadiness } from "./persistence/readiness.ts";
import type { TokenSecrets } from "./embedded-postgres/kept-secret.ts";
import { Notifications } from "./persistence/notifications.ts";
import { createOrm } from "./persistence/orm.ts";
import type { Orm } from "./persistence/orm.ts";
import { Removal } from "./database/removal.ts";
import { buildGatehouseSchema } from "./schema.ts";
import { readExtraClaims } from "./security/claims-file.ts";
import { filesPerProcess, HashProcesses } from "./security/hash-processes.ts";
import { PasswordHasher } from "./security/password-hasher.ts";
import { SessionTokens } from "./security/session-tokens.ts";
import { AuthenticationService } from "./sessions/authentication.service.ts";
import { DeviceResolver } from "./sessions/device.resolver.ts";
import { EventStreams } from "./sessions/revocations/event-streams.ts";
import { LastUse } from "./sessions/last-use.ts";
import { LiveSessions } from "./sessions/live-sessions.ts";
import { OwnChanges } from "./sessions/own-changes.ts";
import type { Siblings } from "./sessions/own-changes.ts";
import { RevocationFeed } from "./sessions/revocations/revocation-feed.ts";
import { revocationFeedRoutes } from "./sessions/revocations/revocation-feed.route.ts";
import { RevocationWatch } from "./sessions/revocations/revocation-watch.ts";
import { SessionListResolver } from "./sessions/session-list.resolver.ts";
import { SessionList } from "./sessions/session-list.service.ts";
import { sessionRemoval } from "./sessions/session-removal.ts";
import { SessionResolver } from "./sessions/session.resolver.ts";
import { SessionService } from "./sessions/session.service.ts";
import { attemptRemoval } from "./throttling/attempt-removal.ts";
import { Throttle } from "./throttling/throttle.service.ts";
import { closedInTime } from "./timing/time-limit.ts";

/** The gateway's objects, each made once, after what it depends on. */
export interface App {
  server: FastifyInstance;
  orm: Orm;
  accounts: AccountService;
  sessions: SessionService;
  removal: Removal;
  lastUse: LastUse;
  hasher: PasswordHasher;
  schema: GraphQLSchema;
  service: Context["service"];
  knownQueries: KnownQueries;
  hashRefusals: HashRefusals;
  notifications: Notifications;
  /** The memory of who is calling: a process of the same replica says here what to forget. */
  liveSessions: LiveSessions;
  /** Unset with HS256, which has one secret and no keys. */
  keyRotation: KeyRotation | undefined;
  /** Begins what runs beside requests; before the first request, on a migrated database. */
  start(): Promise<void>;
  /** Finishes what is in flight, then closes the pool. */
  close(): Promise<void>;
}

/** What the start has settled: where the database is, and the secrets. */
export interface AppSecrets extends TokenSecrets {
  databaseUrl: string;
}

/** @param siblings other processes of the same replica, which are to be told what to forget */
export async function createApp(
  config: Config,
  secrets: AppSecrets,
  logger: Logger,
  siblings?: Siblings,
): Promise<App> {
  const claims = await readExtraClaims(config);
  const own = new OwnChanges((id) => liveSessions.forget(id), siblings, logger);
  const orm = createOrm(secrets.databaseUrl, logger, { own, connections: config.databaseConnections });
  const hashProcesses = new HashProcesses(logger);
  const hasher = new PasswordHasher(config.passwordHashing, (...of) => hashProcesses.derive(...of));
  const clockWatch = new ClockWatch(orm.em, logger);
  const notifications = new Notifications(secrets.databaseUrl, orm.em, logger);
  const { keys, ring, rotation } = configuredKeys(orm.em, config, secrets, logger);
  if (ring) notifications.subscribe(ring);
  const { sessionLimits, jwtIssuer, jwtAudience, forwardAuthAudience } = config;
  const { accessTokenTtl, idleTtl } = sessionLimits;
  const tokens = new SessionTokens({ keys, issuer: jwtIssuer, audience: jwtAudience, forwardAuthAudience });

  const lastUse = new LastUse(orm.em, idleTtl, logger);
  const isHeard = (now: number) => notifications.isHeard(now) && (siblings?.isHeard(now) ?? true);
  const liveSessions = new LiveSessions({ isHeard }, lastUse);
  notifications.subscribe(liveSessions);
  const authentication = new AuthenticationService(orm.em, tokens, liveSessions, lastUse);
  const throttle = new Throttle(orm.em, config.rateLimits, secrets, logger);
  const sessions = new SessionService(orm.em, tokens, sessionLimits, claims, throttle);
  const removals = [...sessionRemoval(accessTokenTtl), eventRemoval(config.authEventsRetention)];
  const nameRemoval = releasedNameRemoval(config.nameReuseAfter);
  const removal = new Removal(orm.em, [...removals, attemptRemoval, nameRemoval], logger);
  // Signed with a shared secret, nobody else could verify the list.
  const revocations = ring && new RevocationWatch(orm.em, accessTokenTtl, logger);
  if (revocations) notifications.subscribe(revocations);
  const feed =
    revocations && new RevocationFeed(revocations, tokens, accessTokenTtl, new EventStreams(), logger);
  const foundations = { em: orm.em, hasher, sessions, throttle, logger };
  const ofAccounts = accountServices(config, foundations);

  const services = new Map<unknown, unknown>([
    ...ofAccounts.services,
    [Throttle, throttle],
    [SessionResolver, new SessionResolver(sessions)],
    [SessionListResolver, new SessionListResolver(new SessionList(orm.em, throttle))],
    [DeviceResolver, new DeviceResolver()],
    [SecurityEventsResolver, new SecurityEventsResolver(new SecurityEvents(orm.em))],
    [FieldErrorCodesResolver, new FieldErrorCodesResolver()],
    [UserDirectory, new UserDirectory(orm.em)],
    [FederationResolver, new FederationResolver()],
  ]);
  const schema = buildGatehouseSchema({ get: (type) => services.get(type) });

  const service: Context["service"] = (type) => services.get(type) as never;
  const makeContext = contextBuilder((...shown) => authentication.authenticate(...shown), service);

  const known = { knownQueries: new KnownQueries(), hashRefusals: new HashRefusals(hasher) };
  const { introspection, maxCredentialOperations, corsOrigins, trustProxy, ide } = config;
  const server = await createServer({
    graphql: {
      apollo: createApollo({ schema, introspection, maxCredentialOperations, ...known, logger }),
      known,
      makeContext,
    },
    checkReadiness: () => checkReadiness(orm),
    logger,
    corsOrigins,
    trustProxy,
    ide,
    processes: config.workers,
    reservedFiles: config.databaseConnections + filesPerProcess * config.passwordHashing.concurrency,
    routes: [
      forwardAuthRoutes(new ForwardAuthService(authentication, tokens, claims)),
      wellKnownRoutes({
        published: ring && (() => ring.published()),
        issuer: jwtIssuer,
        maxAge: Math.min(300, Math.floor(config.keyPublishAhead / 2)),
      }),
      ...(feed ? [revocationFeedRoutes(feed)] : []),
    ],
  });

  return {
    server,
    orm,
    accounts: ofAccounts.accounts,
    sessions,
    removal,
    lastUse,
    hasher,
    schema,
    service,
    ...known,
    notifications,
    liveSessions,
    keyRotation: rotation,
    async start() {
      await clockWatch.start();
      // Both end before a failure is reported: a query that is still running would keep the pool from closing.
      const [opened] = await Promise.allSettled([ring?.start(), ofAccounts.prepare()]);
      if (opened.status === "rejected") throw opened.reason;
      await notifications.start();
      await revocations?.start();
      lastUse.start();
      removal.start();
    },
    async close() {
      await server.close();
      hashProcesses.close();
      const background = [clockWatch, notifications, ring, revocations, lastUse, removal];
      const closing = background.map(async (each) => each?.close());
      await closedInTime("what runs beside requests", Promise.all(closing), logger);
      await closedInTime("the database connections", orm.close(), logger);
    },
  };
}

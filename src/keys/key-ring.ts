import type { EntityManager } from "@mikro-orm/postgresql";
import type { KeyObject } from "node:crypto";
import type { Logger } from "pino";
import { repeatInBackground } from "../timing/background-work.ts";
import { clock } from "../timing/clock.ts";
import { NoticeReader } from "../database/notice-reader.ts";
import { readPrivateKey, readPublicKey } from "../security/key-pair.ts";
import type { PublicJwk } from "../security/key-pair.ts";
import type { SealedSecrets } from "../security/sealed-secrets.ts";
import type { TokenKey, TokenKeys } from "../security/token-keys.ts";
import { within } from "../timing/time-limit.ts";
import { opensNoKey } from "./key-rotation.ts";
import type { KeyRotation } from "./key-rotation.ts";

interface KeyRow {
  kid: string;
  jwk: PublicJwk;
  sealed: string | null;
  /** Milliseconds since the epoch, as are all times here. */
  signs_from: number;
  published_until: number | null;
  now: number;
}

interface RingKey {
  kid: string;
  jwk: PublicJwk;
  publicKey: KeyObject;
  /** Unset when it signed no more at the first sight of it, and while ENCRYPTION_KEY does not open it. */
  privateKey: KeyObject | undefined;
  signsFrom: number;
  publishedUntil: number;
}

// Those that sign first come first.
const published = `
  select kid, public_jwk as jwk, sealed_private_key as sealed,
    extract(epoch from signs_from)::float8 * 1000 as signs_from,
    extract(epoch from published_until)::float8 * 1000 as published_until,
    extract(epoch from now())::float8 * 1000 as now
  from signing_keys where published_until is null or published_until > now()
  order by signing_keys.signs_from, kid`;

/** Milliseconds between two looks at the database, in case that a notification was not heard. */
const pollInterval = 5_000;

/** Milliseconds. */
const longestLook = 5_000;

/** Milliseconds: a step waits for a lock, and may make an RSA key. */
const longestStep = 30_000;

/** The published keys in memory. They follow the database: at once by its notifications, within seconds without. */
export class KeyRing implements TokenKeys {
  /** What the database's trigger notifies of every change. */
  readonly channel = "gatehouse_signing_keys";
  private readonly em: EntityManager;
  private readonly sealing: SealedSecrets;
  private readonly rotation: KeyRotation;
  private readonly logger: Pick<Logger, "info" | "warn" | "error">;
  private keys = new Map<string, RingKey>();
  private readonly notices = new NoticeReader(async () => {
    await this.follow();
    return false;
  });
  private timer: NodeJS.Timeout | undefined;
  private turn: Promise<void> | undefined;
  private changedMeanwhile = false;
  private announced: string | undefined;

  constructor(
    em: EntityManager,
    sealing: SealedSecrets,
    rotation: KeyRotation,
    logger: Pick<Logger, "info" | "warn" | "error">,
  ) {
    this.em = em;
    this.sealing = sealing;
    this.rotation = rotation;
    this.logger = logger;
  }

  /** @throws an Error of one line when no key can be opened to sign with */
  async start(): Promise<void> {
    await this.rotation.adopt();
    await this.load();
    if (this.newestThatSigns() === undefined) throw new Error(opensNoKey);
    this.timer = repeatInBackground(
      "following the signing keys",
      pollInterval,
      () => this.follow(),
      this.logger,
    );
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.notices.close();
    await this.turn;
  }

  notified(): void {
    this.notices.notified();
  }

  connected(): void {
    void this.follow();
  }

  signing(): TokenKey & { kid: string } {
    const found = this.newestThatSigns();
    if (found?.privateKey === undefined) throw new Error("There is no key to sign with.");
    return { algorithm: found.jwk.alg, key: found.privateKey, kid: found.kid };
  }

  verifying(kid: string | undefined): TokenKey | undefined {
    const found = kid === undefined ? undefined : this.keys.get(kid);
    if (found === undefined || found.publishedUntil <= clock.now()) return undefined;
    return { algorithm: found.jwk.alg, key: found.publicKey };
  }

  /** The public keys that verifiers need (RFC 7517, 5), those that will sign included. */
  published(): PublicJwk[] {
    const now = clock.now();
    return [...this.keys.values()].filter(({ publishedUntil }) => publishedUntil > now).map(({ jwk }) => jwk);
  }

  /** Looks at the database again; what cannot be had is tried again at the next turn. */
  follow(): Promise<void> {
    if (this.turn !== undefined) this.changedMeanwhile = true;
    return (this.turn ??= this.takeTurn().finally(() => (this.turn = undefined)));
  }

  private async takeTurn(): Promise<void> {
    do {
      this.changedMeanwhile = false;
      try {
        // First what others did: a step of our own may have to wait for them, and is notified.
        await this.load();
        await within(longestStep, this.rotation.keepUp());
      } catch (error) {
        this.logger.warn(
          { err: error },
          "the signing keys could not be looked at: those in memory still serve",
        );
      }
    } while (this.changedMeanwhile);
  }

  private async load(): Promise<void> {
    const sentAt = performance.now();
    const rows = await within(longestLook, this.em.fork().execute<KeyRow[]>(published));
    if (rows[0]) clock.measure(rows[0].now, sentAt);
    this.keys = new Map(rows.map((row) => [row.kid, this.keyOf(row)]));
    const kid = this.newestThatSigns()?.kid;
    if (kid !== this.announced)
      this.logger.info({ kid, published: rows.length }, "tokens are signed with this key");
    this.announced = kid;
  }

  private keyOf({ kid, jwk, sealed, signs_from: signsFrom, published_until: until }: KeyRow): RingKey {
    const known = this.keys.get(kid);
    return {
      kid,
      jwk,
      publicKey: known?.publicKey ?? readPublicKey(jwk),
      privateKey: known?.privateKey ?? this.openPrivateKey(kid, sealed),
      signsFrom,
      publishedUntil: until ?? Number.POSITIVE_INFINITY,
    };
  }

  private openPrivateKey(kid: string, sealed: string | null): KeyObject | undefined {
    if (sealed === null) return undefined;
    const opened = this.sealing.open(sealed, kid);
    if (opened === undefined && !this.keys.has(kid))
      this.logger.error({ kid }, "ENCRYPTION_KEY does not open this signing key");
    return opened && readPrivateKey(opened.secret);
  }

  /** A key that cannot be opened here is passed over: the one before it still counts everywhere. */
  private newestThatSigns(): RingKey | undefined {
    const now = clock.now();
    return [...this.keys.values()].findLast(
      ({ privateKey, signsFrom, publishedUntil }) =>
        privateKey !== undefined && signsFrom <= now && publishedUntil > now,
    );
  }
}

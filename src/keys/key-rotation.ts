import type { EntityManager } from "@mikro-orm/postgresql";
import { nobody } from "../events/event-record.ts";
import type { EventOrigin } from "../events/event-record.ts";
import { makeKeyPair } from "../security/key-pair.ts";
import type { SealedSecrets } from "../security/sealed-secrets.ts";
import type { AsymmetricAlgorithm } from "../security/token-keys.ts";
import {
  addKey,
  anythingDue,
  closeSuperseded,
  listed,
  newest,
  retireKey,
  sealedKeys,
  sealKeyAgain,
} from "./key-queries.ts";
import type { PublishedKey, SealedKey } from "./key-queries.ts";

/** Durations in seconds. */
export interface KeyRotationOptions {
  algorithm: AsymmetricAlgorithm;
  /** For how long a key signs. */
  rotation: number;
  /** For how long a key is published before it signs. */
  publishAhead: number;
  accessTokenTtl: number;
}

/** A key of which a change tells, and when it begins to sign (ISO 8601). */
export interface Successor {
  kid: string;
  signsFrom: string;
}

export const opensNoKey =
  "ENCRYPTION_KEY opens no signing key of this database. Add the one that sealed them, or retire them with " +
  "`node bin/gatehouse.js keys retire`, which signs everybody out.";

/** Any number will do, as long as every gateway takes the same. */
const keysLock = 7_220_418_036;

/** Seconds for which clocks may differ: a replica may still sign with the key before, or find a token not expired. */
const clockTolerance = 60;

/**
 * The life of the keys in the database: published, signing, superseded, gone. Each step is taken under a lock of the
 * database, so that of many replicas one takes it.
 */
export class KeyRotation {
  private readonly em: EntityManager;
  private readonly sealing: SealedSecrets;
  private readonly options: KeyRotationOptions;

  constructor(em: EntityManager, sealing: SealedSecrets, options: KeyRotationOptions) {
    this.em = em;
    this.sealing = sealing;
    this.options = options;
  }

  /** Takes what steps are due: a first key, a successor, the end of a superseded key. */
  async keepUp(): Promise<void> {
    const { rotation, publishAhead, accessTokenTtl } = this.options;
    // Never before the newest signs, so that no more than one waits.
    const dueAfter = Math.max(0, rotation - publishAhead);
    const [{ due }] = await this.em
      .fork()
      .execute<[{ due: boolean }]>(anythingDue, [dueAfter, clockTolerance]);
    if (!due) return;
    await this.locked(async (em) => {
      const [present] = await em.execute<[{ due: boolean }?]>(newest, [dueAfter]);
      if (present === undefined) await this.make(em, 0);
      else if (present.due) await this.make(em, publishAhead);
      await em.execute(closeSuperseded, { ...nobody, accessTokenTtl, tolerance: clockTolerance });
      await em.execute("delete from signing_keys where published_until < now() - interval '1 day'");
    });
  }

  /** At a start: a key of another algorithm than the configured one is succeeded, and each is sealed by the present key. */
  async adopt(): Promise<void> {
    await this.keepUp();
    await this.locked(async (em) => {
      const [present] = await em.execute<[{ algorithm: string }]>(newest, [0]);
      if (present.algorithm !== this.options.algorithm) await this.make(em, this.options.publishAhead);
      await this.sealAgain(em);
    });
  }

  /** Publishes a successor, which signs after KEY_PUBLISH_AHEAD. @returns the one that is waiting already, if there is one */
  async rotate(operator: EventOrigin = nobody): Promise<Successor> {
    return this.locked(async (em) => {
      const [present] = await em.execute<[{ kid: string; signs_from: string; signs: boolean }?]>(newest, [0]);
      if (present?.signs === false) return { kid: present.kid, signsFrom: present.signs_from };
      return this.make(em, present === undefined ? 0 : this.options.publishAhead, operator);
    });
  }

  /**
   * Takes a key out at once: what it signed is refused from now on. Where nothing is left to sign, its successor does.
   * @throws an Error when no published key has this kid
   */
  async retire(kid: string, operator: EventOrigin = nobody): Promise<Successor | undefined> {
    return this.locked(async (em) => {
      const retired = await em.execute<object[]>(retireKey, { ...operator, kid });
      if (retired.length === 0)
        throw new Error(`No published key has the kid ${kid}: see \`node bin/gatehouse.js keys list\`.`);
      const signing = "select from signing_keys where published_until is null and signs_from <= now()";
      if ((await em.execute<object[]>(signing)).length > 0) return undefined;
      const [waiting] = await em.execute<[{ kid: string; signs_from: string }?]>(
        `update signing_keys set signs_from = now()
         where kid = (select kid from signing_keys where published_until is null order by signs_from, kid limit 1)
         returning kid, signs_from`,
      );
      return waiting ? { kid: waiting.kid, signsFrom: waiting.signs_from } : this.make(em, 0, operator);
    });
  }

  /** The keys that verifiers know; the newest first. */
  list(): Promise<PublishedKey[]> {
    return this.em.fork().execute<PublishedKey[]>(listed);
  }

  /** @throws an Error of one line where none of the others can be opened: who holds those could not open this one either */
  private async make(em: EntityManager, publishAhead: number, operator?: EventOrigin): Promise<Successor> {
    const others = await em.execute<SealedKey[]>(sealedKeys);
    if (others.length > 0 && !others.some(({ kid, sealed }) => this.sealing.open(sealed, kid)))
      throw new Error(opensNoKey);
    const { publicJwk, privateKey } = await makeKeyPair(this.options.algorithm);
    const { kid } = publicJwk;
    const jwk = JSON.stringify(publicJwk);
    const sealed = this.sealing.seal(privateKey, kid);
    const [made] = await em.execute<[{ signs_from: string }]>(addKey, {
      ...(operator ?? nobody),
      actor: operator ? "operator" : "system",
      kid,
      jwk,
      sealed,
      publishAhead,
    });
    return { kid, signsFrom: made.signs_from };
  }

  private async sealAgain(em: EntityManager): Promise<void> {
    for (const { kid, sealed } of await em.execute<SealedKey[]>(sealedKeys)) {
      const opened = this.sealing.open(sealed, kid);
      if (opened === undefined || opened.sealedByPresentKey) continue;
      const sealedAgain = this.sealing.seal(opened.secret, kid);
      await em.execute(sealKeyAgain, { ...nobody, kid, sealed: sealedAgain });
    }
  }

  private locked<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.em.fork().transactional(async (em) => {
      await em.execute("select pg_advisory_xact_lock(?)", [keysLock]);
      return work(em);
    });
  }
}

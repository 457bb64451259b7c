import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { clock } from "../clock.ts";
import type { SessionTokens } from "../security/session-tokens.ts";
import type { EventStreams } from "./event-streams.ts";
import type { RevocationListener, RevocationWatch } from "./revocation-watch.ts";

/** The list as it is sent: a JWT of type `revoked-sessions+jwt`. */
export interface SignedList {
  jwt: string;
  /** Follows the listed ids alone: signed anew it is the same list. */
  etag: string;
}

/** Tells those who verify access tokens without asking us which sessions have ended. */
export class RevocationFeed implements RevocationListener {
  readonly streams: EventStreams;
  private readonly watch: RevocationWatch;
  private readonly tokens: SessionTokens;
  private readonly accessTokenTtl: number;
  private readonly logger: Pick<Logger, "error">;
  private signed: (SignedList & { version: number; kid: string | undefined; until: number }) | undefined;

  /** @param accessTokenTtl seconds */
  constructor(
    watch: RevocationWatch,
    tokens: SessionTokens,
    accessTokenTtl: number,
    streams: EventStreams,
    logger: Pick<Logger, "error">,
  ) {
    this.watch = watch;
    this.tokens = tokens;
    this.accessTokenTtl = accessTokenTtl;
    this.streams = streams;
    this.logger = logger;
    watch.listen(this);
  }

  /** Undefined while revocations may be missing: a list that lacks them would let signed-out people in. */
  list(): SignedList | undefined {
    if (!this.watch.isCurrent) return undefined;
    const { version, ids } = this.watch.list;
    const kid = this.tokens.signingKid();
    const kept = this.signed;
    if (kept?.version === version && kept.kid === kid && clock.now() < kept.until) return kept;
    const sids = packed(ids);
    const etag = `W/"${createHash("sha256").update(sids).digest("base64url")}"`;
    const until = clock.now() + this.accessTokenTtl * 500;
    this.signed = { jwt: this.sign(sids), etag, version, kid, until };
    return this.signed;
  }

  revoked(ids: string[]): void {
    this.send(() => this.streams.send("revoked", this.sign(packed(ids))));
  }

  reloaded(): void {
    this.send(() => {
      const list = this.list();
      if (list) this.streams.send("snapshot", list.jwt);
    });
  }

  alive(): void {
    this.streams.beat();
  }

  /** Readers that cannot be told come back for the whole list. */
  private send(event: () => void): void {
    if (this.streams.count === 0) return;
    try {
      event();
    } catch (error) {
      this.logger.error({ err: error }, "revoked sessions cannot be passed on: the streams are ended");
      this.streams.end();
    }
  }

  private sign(sids: string): string {
    const issuedAt = clock.seconds();
    const lifetime = { issuedAt, expiresAt: issuedAt + this.accessTokenTtl };
    return this.tokens.sign("revoked-sessions+jwt", { sids }, lifetime);
  }
}

/** The 16 bytes of each id, one after the other: half of what the ids would take as JSON. */
function packed(ids: readonly string[]): string {
  return Buffer.from(ids.toSorted().join("").replaceAll("-", ""), "hex").toString("base64url");
}

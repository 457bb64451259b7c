import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { clock } from "../../timing/clock.ts";
import type { SessionTokens } from "../../security/session-tokens.ts";
import type { EventStreams } from "./event-streams.ts";
import type { Revocation } from "./revocation-list.ts";
import type { RevocationListener, RevocationWatch } from "./revocation-watch.ts";

/** The list as it is sent: a JWT of type `revoked-sessions+jwt`. */
export interface SignedList {
  jwt: string;
  /** Follows what is listed alone: signed anew it is the same list. */
  etag: string;
}

/** Tells those who verify access tokens without asking us which of them no longer count. */
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
    const { version, revocations } = this.watch.list;
    const kid = this.tokens.signingKid();
    const kept = this.signed;
    if (kept?.version === version && kept.kid === kid && clock.now() < kept.until) return kept;
    const claims = claimsOf(revocations);
    const etag = `W/"${createHash("sha256").update(JSON.stringify(claims)).digest("base64url")}"`;
    const until = clock.now() + this.accessTokenTtl * 500;
    this.signed = { jwt: this.sign(claims), etag, version, kid, until };
    return this.signed;
  }

  revoked(revocations: Revocation[]): void {
    this.send(() => this.streams.send("revoked", this.sign(claimsOf(revocations))));
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

  private sign(claims: RevocationClaims): string {
    const issuedAt = clock.seconds();
    const lifetime = { issuedAt, expiresAt: issuedAt + this.accessTokenTtl };
    return this.tokens.sign("revoked-sessions+jwt", claims, lifetime);
  }
}

/** What the list says beside `iss`, `iat` and `exp`. */
interface RevocationClaims {
  /** The 16 bytes of each session's id, one after the other, in base64url: half of what they would take as JSON. */
  sids: string;
  /** The 16 bytes of each user's id, each with the 4 bytes (big-endian) of the seconds before which tokens are refused. */
  subs?: string;
  /** The seconds before which every token is refused. */
  all?: number;
}

function claimsOf(revocations: readonly Revocation[]): RevocationClaims {
  const packed = (kind: Revocation["kind"]) =>
    Buffer.from(
      revocations
        .filter((revocation) => revocation.kind === kind)
        .map(({ id, before }) => id.replaceAll("-", "") + (before === null ? "" : secondsInHex(before)))
        .toSorted()
        .join(""),
      "hex",
    ).toString("base64url");
  const subs = packed("sub");
  const all = revocations.find(({ kind }) => kind === "all")?.before;
  return { sids: packed("sid"), ...(subs !== "" && { subs }), ...(all != null && { all }) };
}

function secondsInHex(seconds: number): string {
  return seconds.toString(16).padStart(8, "0");
}

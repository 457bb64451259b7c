/** What every access token says; times are seconds since the epoch (RFC 7519, RFC 9068). */
export interface AccessTokenClaims {
  iss: string;
  aud: string | string[];
  /** The user's id. */
  sub: string;
  /** The id of the session the token belongs to. */
  sid: string;
  iat: number;
  exp: number;
  jti: string;
}

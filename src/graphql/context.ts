/** Where a request comes from, as the session list and the event log show it. */
export interface Client {
  readonly ip: string;
  readonly userAgent: string | null;
  /** Aborted once nobody waits for the answer any more: the client has hung up, or it took too long. */
  readonly abandoned: AbortSignal;
}

/** What every resolver gets; made once a request. */
export interface Context<TCaller = unknown> {
  readonly requestId: string;
  readonly client: Client;
  /** The token of the Authorization header, in the form `Token <jwt>` or `Bearer <jwt>`. */
  readonly accessToken: string | undefined;
  /**
   * Who is calling: one query at most, at the first operation that asks. So a bad token blocks nothing public.
   * @throws Unauthenticated with the reason
   */
  readonly caller: () => Promise<TCaller>;
  /** A service by its class, for checks of whole inputs. */
  readonly service: <TService>(type: abstract new (...args: never[]) => TService) => TService;
  /** The variables as they were sent, before any coercion; the executor fills them in. */
  variables: Readonly<Record<string, unknown>>;
}

/** What a door knows of a request. */
export interface RequestFacts {
  requestId: string;
  ip: string;
  userAgent: string | undefined;
  accessToken: string | undefined;
  /** See `Client`. */
  waiting: Pick<Client, "abandoned">;
}

/** Characters of a user agent that are kept. */
const longestUserAgent = 512;

export function keptUserAgent(userAgent: string | undefined): string | null {
  return userAgent?.slice(0, longestUserAgent) ?? null;
}

class WaitingClient implements Client {
  readonly ip: string;
  readonly userAgent: string | null;
  private readonly waiting: RequestFacts["waiting"];

  constructor(ip: string, userAgent: string | null, waiting: RequestFacts["waiting"]) {
    this.ip = ip;
    this.userAgent = userAgent;
    this.waiting = waiting;
  }

  get abandoned(): AbortSignal {
    return this.waiting.abandoned;
  }
}

/** @param authenticate the caller of an access token; asked once a request at most */
export function contextBuilder<TCaller>(
  authenticate: (accessToken: string | undefined, client: Client) => Promise<TCaller>,
  service: Context["service"],
): (facts: RequestFacts) => Context<TCaller> {
  return ({ requestId, ip, userAgent, accessToken, waiting }) => {
    const client = new WaitingClient(ip, keptUserAgent(userAgent), waiting);
    let caller: Promise<TCaller> | undefined;
    return {
      requestId,
      client,
      accessToken,
      caller: () => (caller ??= authenticate(accessToken, client)),
      service,
      variables: {},
    };
  };
}

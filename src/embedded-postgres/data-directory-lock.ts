import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";

/** Thrown when another gateway runs on the same DATA_DIR; the message is one line for the operator. */
export class DataDirectoryInUse extends Error {
  constructor(dataDir: string) {
    super(`Another gateway already runs on DATA_DIR ${dataDir}; stop it or set another DATA_DIR.`);
    this.name = "DataDirectoryInUse";
  }
}

const lockKey = 4_283_682_837;
const lockNotAvailable = "55P03";
const longestPause = 5_000;

/**
 * The right to be the only gateway on a database server: an advisory lock in a session of its own, which
 * PostgreSQL releases when our process ends, however it ends. After a crash of the server it is taken again.
 */
export class DataDirectoryLock {
  readonly #url: string;
  #session: Client | undefined;
  #attempt: Promise<boolean> | undefined;
  #replaceLostSession = true;

  /** @param url of the server's `postgres` database, so that the session keeps no other from being a template */
  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Waits up to `patience` milliseconds for another holder to go; false when it stays. Rejects when the
   * server cannot be reached.
   */
  async acquire(patience: number): Promise<boolean> {
    if (this.#session) return true;
    // One attempt at a time: two sessions of ours would keep the lock from each other.
    this.#attempt ??= this.#openSession(patience).finally(() => (this.#attempt = undefined));
    return this.#attempt;
  }

  /** Creates the database `gatehouse` if it is missing; to be called while the lock is held. */
  async ensureDatabase(): Promise<void> {
    const found = await this.#session?.query("select from pg_database where datname = 'gatehouse'");
    if (found?.rowCount === 0) await this.#session?.query("create database gatehouse");
  }

  /** Keeps the lock for now, but takes it no more when the session ends. */
  expectEnd(): void {
    this.#replaceLostSession = false;
  }

  async release(): Promise<void> {
    this.expectEnd();
    await this.#attempt?.catch(() => {});
    await this.#session?.end().catch(() => {});
  }

  async #openSession(patience: number): Promise<boolean> {
    const session = new Client({
      connectionString: this.#url,
      ssl: false,
      application_name: "gatehouse data directory lock",
      connectionTimeoutMillis: 5_000,
      query_timeout: 30_000,
    });
    // Without a listener a lost connection would end the process.
    session.on("error", () => {});
    try {
      await session.connect();
      await session.query("select set_config('lock_timeout', $1, false)", [String(patience)]);
      await session.query("select pg_advisory_lock($1)", [lockKey]);
    } catch (error) {
      await session.end().catch(() => {});
      if ((error as { code?: string }).code === lockNotAvailable) return false;
      throw error;
    }
    this.#session = session;
    session.once("end", () => void this.#reacquire());
    return true;
  }

  async #reacquire(): Promise<void> {
    this.#session = undefined;
    for (
      let pause = 50;
      this.#replaceLostSession && !this.#session;
      pause = Math.min(pause * 2, longestPause)
    ) {
      await delay(pause, undefined, { ref: false });
      if (this.#replaceLostSession) await this.acquire(1).catch(() => {});
    }
  }
}

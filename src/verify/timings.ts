/** All in seconds. */
export interface Timings {
  /** Least time between two loads of the keys because of a `kid` nobody knows; 30. */
  keyCooldown: number;
  /** The keys are loaded anew this often, so that a retired one drops out; 300. */
  keyReload: number;
  /** The longest a single answer may take; 5. */
  requestTimeout: number;
  /** How long after its creation a verifier lets callers wait for the first keys and revocations; 5. */
  startTimeout: number;
  /** How often the stream says that it lives; 5. After three times that in silence it counts as dead. */
  heartbeat: number;
  /** The longest pause between two attempts while the gateway does not answer; 10. */
  longestPause: number;
}

export const defaultTimings: Timings = {
  keyCooldown: 30,
  keyReload: 300,
  requestTimeout: 5,
  startTimeout: 5,
  heartbeat: 5,
  longestPause: 10,
};

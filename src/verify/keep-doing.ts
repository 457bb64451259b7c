import { setTimeout as pause } from "node:timers/promises";

export interface Repetition {
  /** Seconds from the end of an attempt that went well to the next. */
  every: number;
  /** Seconds: the pause after failures doubles from a quarter of a second up to this. */
  longestPause: number;
  signal: AbortSignal;
  onError: (error: unknown) => void;
}

const firstPause = 0.25;

/** Does it again and again until the signal comes; keeps no process alive. */
export async function keepDoing(attempt: () => Promise<void>, repetition: Repetition): Promise<void> {
  const { every, longestPause, signal, onError } = repetition;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await attempt();
      failures = 0;
    } catch (error) {
      if (!signal.aborted) onError(error);
      failures += 1;
    }
    const seconds = failures === 0 ? every : Math.min(longestPause, firstPause * 2 ** (failures - 1));
    await pause(jittered(seconds) * 1000, undefined, { ref: false, signal }).catch(() => {});
  }
}

/** So that many verifiers that lost the gateway at one moment do not come back at one moment. */
function jittered(seconds: number): number {
  return seconds * (0.5 + Math.random() / 2);
}

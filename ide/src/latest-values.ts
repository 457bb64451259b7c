import { useSyncExternalStore } from "react";

export type Name = "token" | "refreshToken" | "sessionId";

// In memory and nowhere else: a reload of the page forgets them.
const values = new Map<Name, string>();
const listeners = new Set<() => void>();

export function latestValue(name: Name): string | undefined {
  return values.get(name);
}

/** Keeps the tokens and the session that an answer has. */
export function keepValuesOf(data: unknown): void {
  for (const payload of Object.values(data ?? {})) {
    keep("token", payload?.token);
    keep("refreshToken", payload?.refreshToken);
    keep("sessionId", payload?.sessions?.edges?.at(-1)?.node?.id);
  }
  for (const listener of listeners) listener();
}

export function useLatestValue(name: Name): string | undefined {
  return useSyncExternalStore(subscribe, () => values.get(name));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function keep(name: Name, value: unknown): void {
  if (typeof value === "string") values.set(name, value);
}

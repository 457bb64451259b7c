import type { AppSecrets } from "../app.ts";

/** The first thing that a worker hears: what the parent has opened and settled. */
export interface Begin {
  kind: "begin";
  secrets: AppSecrets;
}

/** What the parent says to a worker. */
export type ToWorker =
  | Begin
  | { kind: "stop" }
  /** What the worker said last, again: whatever was said to it before has been heard. */
  | { kind: "beat"; sentAt: number }
  /** What another worker has changed; to be answered with the same number. */
  | { kind: "forget"; number: number; ids: readonly string[] }
  /** Of what the worker itself asked to be forgotten: no other remembers it. */
  | { kind: "forgotten"; number: number };

/** What a worker says to the parent. */
export type ToParent =
  | { kind: "ready"; address: string }
  /** Why it cannot begin, in a line. */
  | { kind: "failed"; reason: string }
  | { kind: "beat"; sentAt: number }
  | { kind: "forget"; number: number; ids: readonly string[] }
  | { kind: "forgotten"; number: number };

/** Milliseconds after a beat was sent for which its sender, having it back, uses what it remembers. */
export const beatCounts = 500;

/** Milliseconds. */
export const beatTime = 100;

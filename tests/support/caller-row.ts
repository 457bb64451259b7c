import { randomUUID } from "node:crypto";
import type { CallerRow } from "../../src/sessions/caller-query.ts";

/** What the database tells of a user and a live session. */
export function callerRow(change: Partial<CallerRow> = {}): CallerRow {
  return {
    id: randomUUID(),
    email: "a@b.co",
    username: "a",
    bio: null,
    full_name: null,
    birth_date: null,
    is_active: true,
    is_staff: false,
    created_at: "2026-01-01",
    updated_at: "2026-01-01",
    session_id: randomUUID(),
    refresh_generation: 0,
    rotated_at: "2026-01-01",
    authenticated_at: "2026-01-01",
    expires_at: "2026-01-01",
    refresh_expires_at: "2026-01-01",
    revoked_at: null,
    seconds_left: 1_000,
    seconds_unused: 0,
    counts: true,
    counts_from: 0,
    ...change,
  };
}

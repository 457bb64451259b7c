import type { UserType } from "../accounts/user.type.ts";

/** What a query for a user `u` selects: plain rows, because every request reads one. */
export const userColumns = `
  u.id, u.email, u.username, u.bio, u.full_name, u.birth_date::text as birth_date,
  u.is_active, u.is_staff, u.created_at, u.updated_at`;

/** What a query for a session `s` and its user selects. */
export const sessionColumns = `${userColumns},
  s.id as session_id, s.refresh_generation, s.rotated_at, s.authenticated_at, s.expires_at, s.refresh_expires_at,
  s.revoked_at`;

export interface UserRow {
  id: string;
  email: string;
  username: string;
  bio: string | null;
  full_name: string | null;
  birth_date: string | null;
  is_active: boolean;
  is_staff: boolean;
  created_at: string;
  updated_at: string;
}

export interface SessionRow extends UserRow {
  session_id: string | null;
  refresh_generation: number;
  rotated_at: string;
  authenticated_at: string;
  expires_at: string;
  refresh_expires_at: string;
  revoked_at: string | null;
}

export function userOf(row: UserRow): UserType {
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    bio: row.bio,
    fullName: row.full_name,
    birthDate: row.birth_date,
    isActive: row.is_active,
    isStaff: row.is_staff,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  };
}

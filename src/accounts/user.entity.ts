import { defineEntity, p } from "@mikro-orm/core";
import { v7 } from "uuid";

const UserSchema = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: p
      .uuid()
      .primary()
      .onCreate(() => v7()),
    /** Local part as typed, domain in lower case. */
    email: p.text(),
    /** See `name-keys.ts`. */
    emailKey: p.text().collation("C").hidden(),
    username: p.text(),
    usernameKey: p.text().collation("C").hidden(),
    /** A PHC string of argon2id, or what Django stored until the next sign-in. */
    passwordHash: p.text().hidden(),
    /** See `stored-password.ts`. */
    passwordForm: p.text().nullable().hidden(),
    bio: p.text().nullable(),
    fullName: p.text().nullable(),
    /** `YYYY-MM-DD`. */
    birthDate: p.date().nullable(),
    isActive: p.boolean().default(true),
    isStaff: p.boolean().default(false),
    isSuperuser: p.boolean().default(false),
    lastLoginAt: p.datetime().nullable(),
    createdAt: p
      .datetime()
      .defaultRaw("now()")
      .onCreate(() => new Date()),
    updatedAt: p
      .datetime()
      .defaultRaw("now()")
      .onCreate(() => new Date())
      .onUpdate(() => new Date()),
  },
  uniques: [
    { name: "users_email_key_unique", properties: ["emailKey"] },
    { name: "users_username_key_unique", properties: ["usernameKey"] },
  ],
  // For the lookups of the previous release.
  indexes: [
    {
      name: "users_lower_email_index",
      expression: `create index "users_lower_email_index" on "users" (lower("email"))`,
    },
    {
      name: "users_lower_username_index",
      expression: `create index "users_lower_username_index" on "users" (lower(normalize("username", NFKC)))`,
    },
  ],
});

/** Who can sign in. */
export class User extends UserSchema.class {}
UserSchema.setClass(User);

import { defineEntity, p } from "@mikro-orm/core";
import { v7 } from "uuid";
import { nameForm } from "./name-forms.ts";

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
    username: p.text(),
    /** A PHC string of argon2id, or what Django stored until the next sign-in. */
    passwordHash: p.text().hidden(),
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
    {
      name: "users_email_key",
      expression: `create unique index "users_email_key" on "users" (${nameForm.email('"email"')})`,
    },
    {
      name: "users_username_key",
      expression: `create unique index "users_username_key" on "users" (${nameForm.username('"username"')})`,
    },
  ],
});

/** Who can sign in. */
export class User extends UserSchema.class {}
UserSchema.setClass(User);

// GraphQL Yoga with tokens by hand: jsonwebtoken (HS256), one query through pg for who it is, and the fastest argon2 of npm.
// It can neither end a session nor refresh a token.
import { hash, verify } from "@node-rs/argon2";
import { createSchema, createYoga } from "graphql-yoga";
import jwt from "jsonwebtoken";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "pg";
import { readSettings } from "./settings.ts";

interface User {
  id: string;
  username: string;
  email: string;
  password_hash: string;
  created_at: Date;
}

const { databaseUrl, accounts, hashing, secret } = readSettings();
const pool = new Pool({ connectionString: databaseUrl });

await pool.query(`
  create table users (
    id uuid primary key default gen_random_uuid(), username text unique not null, email text unique not null,
    password_hash text not null, created_at timestamptz not null default now()
  )`);
for (const { username, email, password } of accounts)
  await pool.query("insert into users (username, email, password_hash) values ($1, $2, $3)", [
    username,
    email,
    await hash(password, hashing),
  ]);

async function findUser(column: "id" | "username", value: string): Promise<User | undefined> {
  const { rows } = await pool.query<User>(`select * from users where ${column} = $1`, [value]);
  return rows[0];
}

const schema = createSchema<{ user: User | undefined }>({
  typeDefs: `
    type User { id: ID! username: String! email: String! createdAt: String! }
    type Query { me: User }
    type AuthPayload { token: String! user: User! }
    type Mutation { login(username: String!, password: String!): AuthPayload! }
  `,
  resolvers: {
    User: { createdAt: (user: User) => user.created_at.toISOString() },
    Query: { me: (_parent, _arguments, { user }) => user },
    Mutation: {
      async login(_parent, { username, password }: { username: string; password: string }) {
        const user = await findUser("username", username);
        if (!user || !(await verify(user.password_hash, password))) throw new Error("wrong name or password");
        return { token: jwt.sign({ sub: user.id }, secret, { expiresIn: "15m" }), user };
      },
    },
  },
});

const yoga = createYoga({
  schema,
  async context({ request }) {
    const token = request.headers.get("authorization")?.split(" ")[1];
    if (token === undefined) return { user: undefined };
    const { sub = "" } = jwt.verify(token, secret, { algorithms: ["HS256"] }) as jwt.JwtPayload;
    return { user: await findUser("id", sub) };
  },
});

const server = createServer((request, response) => void yoga(request, response)).listen(0, "127.0.0.1");
await once(server, "listening");
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

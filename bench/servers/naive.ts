// Apollo Server's standalone server, TypeGraphQL, MikroORM and the `argon2` package, put together as their documentation
// shows: `findOne` in a forked entity manager per request says who it is. It can neither end a session nor refresh a token.
import "reflect-metadata";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { defineEntity, MikroORM, p } from "@mikro-orm/postgresql";
import { argon2id, hash, verify } from "argon2";
import jwt from "jsonwebtoken";
import { randomUUID } from "node:crypto";
import { Arg, buildSchema, Ctx, Field, ID, Mutation, ObjectType, Query, Resolver } from "type-graphql";
import { readSettings } from "./settings.ts";

const { databaseUrl, accounts, hashing, secret } = readSettings();

const UserSchema = defineEntity({
  name: "User",
  tableName: "users",
  properties: {
    id: p
      .uuid()
      .primary()
      .onCreate(() => randomUUID()),
    username: p.text().unique(),
    email: p.text().unique(),
    passwordHash: p.text(),
    createdAt: p.datetime().onCreate(() => new Date()),
  },
});
class User extends UserSchema.class {}
UserSchema.setClass(User);

const orm = new MikroORM({ clientUrl: databaseUrl, entities: [User] });
await orm.schema.create();
const setUp = orm.em.fork();
for (const { username, email, password } of accounts)
  setUp.create(User, {
    username,
    email,
    passwordHash: await hash(password, { type: argon2id, ...hashing }),
  });
await setUp.flush();

@ObjectType("User")
class UserType {
  @Field(() => ID)
  id!: string;
  @Field(() => String)
  username!: string;
  @Field(() => String)
  email!: string;
  @Field(() => Date)
  createdAt!: Date;
}

@ObjectType()
class AuthPayload {
  @Field(() => String)
  token!: string;
  @Field(() => UserType)
  user!: User;
}

interface Context {
  em: MikroORM["em"];
  user: User | null;
}

@Resolver()
class UserResolver {
  @Query(() => UserType, { nullable: true })
  me(@Ctx() { user }: Context): User | null {
    return user;
  }

  @Mutation(() => AuthPayload)
  async login(
    @Arg("username", () => String) username: string,
    @Arg("password", () => String) password: string,
    @Ctx() { em }: Context,
  ): Promise<AuthPayload> {
    const user = await em.findOne(User, { username });
    if (!user || !(await verify(user.passwordHash, password))) throw new Error("wrong name or password");
    return { token: jwt.sign({ sub: user.id }, secret, { expiresIn: "15m" }), user };
  }
}

async function contextOf(authorization: string | undefined): Promise<Context> {
  const em = orm.em.fork();
  const token = authorization?.split(" ")[1];
  if (token === undefined) return { em, user: null };
  const { sub = "" } = jwt.verify(token, secret, { algorithms: ["HS256"] }) as jwt.JwtPayload;
  return { em, user: await em.findOne(User, { id: sub }) };
}

const apollo = new ApolloServer<Context>({
  schema: await buildSchema({ resolvers: [UserResolver], validate: false }),
});
const { url } = await startStandaloneServer(apollo, {
  listen: { host: "127.0.0.1", port: 0 },
  context: ({ req }) => contextOf(req.headers.authorization),
});
process.send?.(url);

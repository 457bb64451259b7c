import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

const codegenConfig = {
  schema: "schema.graphql",
  documents: "program.ts",
  generates: {
    "./gql/": {
      preset: "client",
      config: { strictScalars: true, scalars: { Date: "string", DateTime: "string", JWT: "string" } },
    },
  },
};

const tsConfig = {
  compilerOptions: {
    target: "es2023",
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
  },
  files: ["program.ts"],
};

/** What a team writes against the API. Each line marked as an error must be one, or the types say nothing. */
const program = `
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { graphql, useFragment } from "./gql";

const profile = graphql(\`fragment Profile on User { id username fullName birthDate isActive createdAt }\`);
const me = graphql(\`query Me { me { email ...Profile } }\`);
const register = graphql(\`
  mutation Register($input: RegisterInput!) { register(input: $input) { token expiresAt user { ...Profile } } }
\`);
const logout = graphql(\`mutation Logout($scope: LogoutScope!) { logout(scope: $scope) { revokedSessions } }\`);
const updateUser = graphql(\`
  mutation UpdateUser($input: UpdateUserInput!) { updateUser(input: $input) { user { ...Profile } } }
\`);

const urql = new Client({ url: "http://localhost/graphql", exchanges: [fetchExchange] });
const apollo = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink() });
const input = { email: "ada@example.com", username: "ada", password: "correct horse" };

export async function withUrql(): Promise<void> {
  const { data } = await urql.mutation(register, { input });
  const token: string = data!.register.token;
  const { username, birthDate } = useFragment(profile, data!.register.user);
  const name: string = username;
  const day: string | null = birthDate;
  // @ts-expect-error birthDate is null until it is given
  const always: string = birthDate;
  // @ts-expect-error fields of a fragment are read through it
  data!.register.user.username;
  // @ts-expect-error the password is missing
  await urql.mutation(register, { input: { email: "ada@example.com", username: "ada" } });
  // @ts-expect-error no field of that name
  await urql.mutation(updateUser, { input: { isStaff: true } });
  console.log(token, name, day, always);
}

export async function withApolloClient(): Promise<void> {
  const { data } = await apollo.query({ query: me });
  const email: string | undefined = data?.me?.email;
  // @ts-expect-error nobody may be signed in
  data!.me.email;
  await apollo.mutate({ mutation: updateUser, variables: { input: { bio: null, birthDate: "1815-12-10" } } });
  await apollo.mutate({ mutation: logout, variables: { scope: "OTHERS" } });
  // @ts-expect-error no scope of that name
  await apollo.mutate({ mutation: logout, variables: { scope: "NONE" } });
  console.log(email);
}
`;

let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "gatehouse-codegen-"));
  await symlink(join(root, "node_modules"), join(project, "node_modules"), "junction");
  await cp(join(root, "schema.graphql"), join(project, "schema.graphql"));
  await writeFile(join(project, "codegen.json"), JSON.stringify(codegenConfig));
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(tsConfig));
  await writeFile(join(project, "program.ts"), program);
});
afterAll(() => rm(project, { recursive: true, force: true }));

/** Runs a command of a package in the project. @throws with all it wrote when it fails */
function run(script: string, ...args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const command = [join(root, "node_modules", script), ...args];
    execFile(process.execPath, command, { cwd: project }, (error, stdout, stderr) =>
      error ? reject(new Error(`${script} failed:\n${stdout}${stderr}`)) : resolve(),
    );
  });
}

describe("GraphQL Code Generator", () => {
  it("makes types of schema.graphql that a program holds to", async () => {
    await run("@graphql-codegen/cli/esm/bin.js", "--config", "codegen.json");
    await expect(run("typescript/bin/tsc", "-p", "tsconfig.json")).resolves.toBeUndefined();
  });
});

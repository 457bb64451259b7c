/** What a person who starts the gateway on a terminal reads: where it is, where the data lies, and what to try first. */
export function welcome(address: string, database: string, ide: boolean): string {
  const post = `curl -s ${address}/graphql -H 'content-type: application/json' -d`;
  const lines = [
    "",
    `  Gatehouse is ready.`,
    "",
    `  API    ${address}/graphql`,
    `  IDE    ${ide ? `${address}/` : "off (IDE=on turns it on)"}`,
    `  Data   ${database}`,
    "",
    "  Try it: make an account, sign in, and ask who you are with the token that came back.",
    "",
    `${post} '{"query":"mutation { register(input: { email: \\"ada@example.com\\", username: \\"ada\\", password: \\"correct horse battery\\" }) { token } }"}'`,
    `${post} '{"query":"mutation { login(input: { username: \\"ada\\", password: \\"correct horse battery\\" }) { token refreshToken } }"}'`,
    `${post} '{"query":"{ me { id username email } }"}' -H 'authorization: Token <token>'`,
    "",
  ];
  return `${lines.join("\n")}\n`;
}

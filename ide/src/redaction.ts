/** JSON Web Tokens, also cut off ones: they begin with `{"` in base64url. */
const TOKEN = /eyJ[\w-]*(?:\.[\w-]*)*/g;

/** What an argument or field with such a name is given, finished or not. */
const SECRET = /((?:password|token|secret|code)\w*\s*:\s*)(?:"""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?)/gi;

/** What the page fills in itself. */
const PLACEHOLDER = /^\{\{\w+\}\}$/;

/** An operation without the tokens and passwords in it. */
export function withoutSecrets(query: string): string {
  return query.replace(SECRET, '$1""').replace(TOKEN, "");
}

/** The shape of variables alone: any text in them may be a password. Null where they cannot be read. */
export function withoutTexts(variables: string): string | null {
  try {
    const shape: unknown = JSON.parse(variables, (_key, value: unknown) =>
      typeof value === "string" && !PLACEHOLDER.test(value) ? "" : value,
    );
    return JSON.stringify(shape, null, 2);
  } catch {
    return null;
  }
}

import { z } from "zod";
import { nearestName } from "./nearest-name.ts";

const example = "takes a URL such as postgresql://user:password@host:5432/database";

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"];

/** Parameters that the driver and we read. Others, which hosts put into their URLs for other drivers, are ignored. */
const parameters = [
  "application_name",
  "client_encoding",
  "host",
  "options",
  "password",
  "port",
  "schema",
  "sslcert",
  "sslkey",
  "sslmode",
  "sslnegotiation",
  "sslrootcert",
  "user",
];

/** What other drivers call `schema`. Ignored, it would put the tables into another schema. */
const otherNames: Record<string, string> = { currentschema: "schema", search_path: "schema" };

/** A value of DATABASE_URL. No message quotes any part of it: a malformed URL has its password in unexpected places. */
export const databaseUrl = z
  .string()
  // oxlint-disable-next-line no-control-regex
  .refine((text) => /^postgres(?:ql)?:\/\/[^\u0000-\u001f\u007f]*$/.test(text) && URL.canParse(text), {
    error: example,
    abort: true,
  })
  .refine((text) => hasPlainParts(new URL(text)), {
    error: `${example}; write @ / ? # and % in a user name or password as %40 %2F %3F %23 and %25`,
    abort: true,
  })
  .refine((text) => !new URL(text).hostname.includes(","), {
    error: "takes one host; for several, name one that leads to the primary",
    abort: true,
  })
  .superRefine((text, context) => {
    const { searchParams } = new URL(text);
    for (const name of new Set(searchParams.keys())) {
      const meant = parameters.includes(name)
        ? undefined
        : (otherNames[name.toLowerCase()] ?? nearestName(name, parameters));
      if (meant !== undefined) context.addIssue(`has an unknown parameter; did you mean ${meant}?`);
      if (parameters.includes(name) && searchParams.getAll(name).length > 1)
        context.addIssue(`has the parameter ${name} more than once`);
    }
    if (searchParams.get("schema") === "") context.addIssue("takes the name of a schema as schema");
    const sslMode = searchParams.get("sslmode");
    if (sslMode !== null && !sslModes.includes(sslMode))
      context.addIssue(`takes one of ${sslModes.join(", ")} as sslmode`);
  });

/** Whether all parts are where they seem to be. An unescaped character of a password moves the rest into the next part. */
function hasPlainParts({ username, password, hostname, pathname, search, hash }: URL): boolean {
  if (hash !== "" || `${pathname}${search}`.includes("@")) return false;
  try {
    return [username, password, hostname, pathname].every((part) => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}

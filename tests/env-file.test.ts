import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parseEnvText } from "../src/config/env-file.ts";
import { gatehouse } from "./support/gateway-process.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse env-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** What a command says that reads the settings, with this as its `.env`: it fails in any case, by its PORT. */
async function reportOn(file: string | Buffer, environment: Record<string, string> = {}): Promise<string[]> {
  await writeFile(join(directory, ".env"), file);
  const { code, stderr } = await gatehouse(["serve"], environment, ["env", "-C", directory]).exit;
  expect(code).toBe(1);
  return stderr.trimEnd().split("\n");
}

const highPort = "gatehouse: PORT takes a whole number from 0 to 65535";

describe(".env is read", () => {
  it.each([
    ["plain", "PORT=high\n"],
    ["that begins with a byte order mark", "\ufeffPORT=high\n"],
    ["with the line ends of Windows", "# settings\r\nHOST=127.0.0.1\r\nPORT=high\r\n"],
    ["with the line ends of old Macs", "HOST=127.0.0.1\rPORT=high\r"],
    ["without a last line end", "PORT=high"],
    [
      "with export, quotes, blanks and comments",
      "  export PORT = 'high' # no number\nHOST = localhost # ours",
    ],
    [
      "with a value of several lines",
      'JWT_SECRET="one of several lines\nthat is long enough" # PEM\nPORT=high',
    ],
  ])("%s", async (_how, text) => {
    expect(await reportOn(text)).toEqual([highPort]);
  });

  it("after the environment", async () => {
    expect(await reportOn("PORT=0\n", { PORT: "high" })).toEqual([highPort]);
  });
});

describe(".env is refused, with its line", () => {
  it.each<[string, string | Buffer, RegExp]>([
    ["in UTF-16 LE", Buffer.from("\ufeffPORT=high\n", "utf16le"), /^\.env is encoded as UTF-16/],
    ["in UTF-16 BE", Buffer.from("\ufeffPORT=high\n", "utf16le").swap16(), /^\.env is encoded as UTF-16/],
    ["in UTF-16 without a mark", Buffer.from("PORT=high\n", "utf16le"), /^\.env is encoded as UTF-16/],
    [
      "in Latin-1",
      Buffer.from("JWT_ISSUER=gr\u00fcn\nPORT=high\n", "latin1"),
      /^\.env is not encoded as UTF-8/,
    ],
    ["that sets a variable twice", "PORT=1\nPORT=high\n", /^\.env, line 2: .*second time/],
    ["with a line that sets nothing", "HOST=127.0.0.1\n\nPORT high\n", /^\.env, line 3: takes NAME=value$/],
    ["in YAML", "PORT: high\n", /^\.env, line 1: takes NAME=value$/],
    ["with # in a value", "JWT_SECRET=abc#def\n", /^\.env, line 1: .*quotes$/],
    ["with a quote left open", 'HOST="localhost\nPORT=1\n', /^\.env, line 1: a quote is not closed/],
    ["with text behind a quote", 'HOST="local"host\n', /^\.env, line 1: a quote is not closed/],
    ["with a reference", "DATA_DIR=${HOME}/data\n", /^\.env, line 1: .*not expanded/],
    [
      "with a misspelt name",
      "DATABSE_URL=x\nJWT_ISUER=y\n",
      /sets DATABSE_URL.*did you mean DATABASE_URL\?$/,
    ],
    ["with a name in lower case", "port=1\n", /sets port, .*did you mean PORT\?$/],
    ["with a name that has our prefix", "GATEHOUSE_PORT=1\n", /did you mean PORT\?$/],
    ["with a hyphen in a name", "LOG-LEVEL=info\n", /^\.env, line 1: takes NAME=value$/],
  ])("%s", async (_how, text, expected) => {
    const [first = ""] = await reportOn(text);
    expect(first.replace("gatehouse: ", "")).toMatch(expected);
  });
});

describe("misspelt names", () => {
  it("in the environment, and unknown ones in .env, are warned of", async () => {
    expect(await reportOn("POSTGRES_DB=x\nPORT=high\n", { DATABASE_URI: "x", HOME: "/" })).toEqual([
      "gatehouse: warning: .env sets POSTGRES_DB, which is not a setting of Gatehouse",
      "gatehouse: warning: the environment sets DATABASE_URI, which is not a setting; did you mean DATABASE_URL?",
      highPort,
    ]);
  });

  it("may be parts of a secret, and are shown only where they resemble a setting", async () => {
    const lines = await reportOn("c2VjcmV0IHNlY3JldA==\nPORT=high\n");
    expect(lines).toEqual([
      "gatehouse: warning: .env sets a variable, which is not a setting of Gatehouse",
      highPort,
    ]);
  });
});

it("an accepted .env has the values that Node gives it", () => {
  const text = [
    "A=plain",
    "  export B = with blanks in it  # comment",
    "C='single \\\\n # $HOME' # comment",
    'D="double\\nline"',
    'E=`back "tick"`',
    "F=",
    "G= # nothing",
    "H=a=b==",
    'I="several',
    'lines"',
  ].join("\n");
  expect(parseEnvText(text, ".env")).toEqual({ ...parseEnv(text) });
});

import { readTrustedFile, UntrustedFile } from "../security/trusted-files.ts";

/** A line that assigns nothing, or what may stand behind a closing quote: white space and a comment. */
const blank = /^\s*(?:#.*)?$/;
const assignment = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*/;
const quotationMark = /^["'`]/;

/** A `.env` file that cannot be read as it is meant; the message is one line and quotes no value. */
export class EnvFileError extends Error {}

/** The variables of a file such as `.env`; undefined when there is none. @throws EnvFileError */
export function readEnvFile(path: string): Record<string, string> | undefined {
  let bytes: Buffer;
  try {
    bytes = readTrustedFile(path);
  } catch (error) {
    if (error instanceof UntrustedFile) throw new EnvFileError(`${path} ${error.message}`, { cause: error });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new EnvFileError(`${path} cannot be read: ${code}`, { cause: error });
  }
  return parseEnvText(decode(bytes, path), path);
}

function decode(bytes: Buffer, path: string): string {
  const isWide = bytes.includes(0) || [0xfffe, 0xfeff].includes(bytes.length > 1 ? bytes.readUInt16BE() : 0);
  if (isWide) throw new EnvFileError(`${path} is encoded as UTF-16 or binary: save it as UTF-8`);
  try {
    // Without its byte order mark, if it has one.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new EnvFileError(`${path} is not encoded as UTF-8: save it as UTF-8`, { cause: error });
  }
}

/**
 * The same values as Node's `--env-file`, for lines whose meaning is beyond doubt. Node drops what it does not understand.
 * @throws EnvFileError that names the line
 */
export function parseEnvText(text: string, path: string): Record<string, string> {
  const variables: Record<string, string> = {};
  const lines = text.split(/\r\n?|\n/);
  for (let index = 0; index < lines.length; index++) {
    const refuse = (reason: string): never => {
      throw new EnvFileError(`${path}, line ${index + 1}: ${reason}`);
    };
    const line = lines[index] ?? "";
    if (blank.test(line)) continue;
    const [start, name] = assignment.exec(line) ?? refuse("takes NAME=value");
    if (name === undefined || Object.hasOwn(variables, name))
      return refuse("sets a variable for the second time");
    const value = line.slice(start.length);
    const mark = quotationMark.exec(value)?.[0];
    if (mark === undefined) {
      variables[name] = plainValue(value, refuse);
      continue;
    }
    let quoted = value.slice(1);
    let lastLine = index;
    while (!quoted.includes(mark) && lastLine + 1 < lines.length) quoted += `\n${lines[++lastLine]}`;
    const end = quoted.indexOf(mark);
    if (end < 0 || !blank.test(quoted.slice(end + 1))) refuse("a quote is not closed, or has text behind it");
    const content = quoted.slice(0, end);
    if (mark !== "'" && isTemplate(content)) refuse(templateAdvice);
    variables[name] = mark === '"' ? content.replaceAll("\\n", "\n") : content;
    index = lastLine;
  }
  return variables;
}

/** Without quotes, a comment begins at the first # with white space before it. */
function plainValue(text: string, refuse: (reason: string) => never): string {
  const [value = ""] = text.split(/(?:^|\s)#/, 1);
  if (value.includes("#")) refuse("the value has a # in it: put the value in quotes");
  if (isTemplate(value)) refuse(templateAdvice);
  return value.trim();
}

/** Shells and other readers of such files would put something else in its place. */
const isTemplate = (value: string) => /\$[{(]/.test(value);

const templateAdvice =
  "the value has a ${…} or $(…) in it, which is not expanded: write what it stands for, or use single quotes";

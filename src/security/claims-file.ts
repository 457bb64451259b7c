import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { ExtraClaims, isFreeClaimName, noExtraClaims, parseClaimMapping } from "./extra-claims.ts";

/** Bytes; the largest mapping that is taken is far smaller. */
const largestFile = 65_536;

/** The claims of CLAIMS_FILE and CLAIMS_NAMESPACE. @throws Error of one line with the variable, the file and the fault */
export async function readExtraClaims(settings: {
  claimsFile: string | undefined;
  claimsNamespace: string | undefined;
}): Promise<ExtraClaims> {
  const { claimsFile, claimsNamespace } = settings;
  if (claimsFile === undefined) return noExtraClaims;
  if (claimsNamespace !== undefined && !isFreeClaimName(claimsNamespace))
    throw new Error(`CLAIMS_NAMESPACE takes a name of its own; "${claimsNamespace}" is reserved`);
  try {
    return parseClaimMapping(await readSmallFile(claimsFile), claimsNamespace);
  } catch (error) {
    throw new Error(`CLAIMS_FILE ${claimsFile}: ${(error as Error).message}`, { cause: error });
  }
}

async function readSmallFile(path: string): Promise<string> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new Error("is not a file");
    if (file.size > largestFile) throw new Error(`is larger than ${largestFile} bytes`);
    return decodeUtf8(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new Error("is not there", { cause: error });
    throw error;
  }
}

function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error("is not valid UTF-8");
  return new TextDecoder().decode(bytes);
}

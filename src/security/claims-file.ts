import { ExtraClaims, isFreeClaimName, noExtraClaims, parseClaimMapping } from "./extra-claims.ts";
import { readTrustedFile } from "./trusted-files.ts";

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
    return parseClaimMapping(readSmallFile(claimsFile), claimsNamespace);
  } catch (error) {
    throw new Error(`CLAIMS_FILE ${claimsFile}: ${(error as Error).message}`, { cause: error });
  }
}

function readSmallFile(path: string): string {
  try {
    // Without its byte order mark, if it has one.
    return new TextDecoder("utf-8", { fatal: true }).decode(readTrustedFile(path, { maxBytes: largestFile }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Error("is not there", { cause: error });
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") throw new Error("is not valid UTF-8", { cause: error });
    throw error;
  }
}

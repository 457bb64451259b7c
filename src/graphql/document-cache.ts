import type { KeyValueCache } from "@apollo/utils.keyvaluecache";
import type { DocumentNode, Token } from "graphql";
import { LRUCache } from "lru-cache";

/** Bytes of all documents together. */
const mostBytes = 30 * 2 ** 20;

/** An entry, the document and its source. */
const bytesOfDocument = 2_000;

/** A token with the nodes that are made of it: 520 in a list of fields, fewer elsewhere. */
const bytesOfToken = 550;

/** A string with escapes is kept in pieces: 64 bytes for an escape and the letter after it, three characters. */
const bytesOfCharacter = 24;

/** An upper bound of the bytes that a parsed document keeps. Its tokens are kept too, comments included. */
export function documentBytes({ loc }: DocumentNode): number {
  let tokens = 0;
  for (let token: Token | null | undefined = loc?.startToken; token; token = token.next) tokens += 1;
  return bytesOfDocument + tokens * bytesOfToken + (loc?.source.body.length ?? 0) * bytesOfCharacter;
}

/**
 * Apollo's store of parsed documents. It keeps only valid ones: the errors of the others hold on to all that validation
 * worked with, and their number is endless.
 */
export class DocumentCache implements KeyValueCache<DocumentNode> {
  private readonly documents = new LRUCache<string, DocumentNode>({
    maxSize: mostBytes,
    sizeCalculation: documentBytes,
  });
  private readonly isValid: (document: DocumentNode) => boolean;

  constructor(isValid: (document: DocumentNode) => boolean) {
    this.isValid = isValid;
  }

  async get(key: string): Promise<DocumentNode | undefined> {
    return this.documents.get(key);
  }

  async set(key: string, document: DocumentNode): Promise<void> {
    if (this.isValid(document)) this.documents.set(key, document);
  }

  async delete(key: string): Promise<boolean> {
    return this.documents.delete(key);
  }
}

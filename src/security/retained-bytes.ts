/** Of an entry of an LRU cache: the cache's bookkeeping and a small object. */
const entryBytes = 500;

/** An upper bound of the bytes that a cache entry keeps: a character takes one byte or two. */
export function retainedBytes(...texts: (string | null | undefined)[]): number {
  return texts.reduce((sum, text) => sum + 2 * (text?.length ?? 0), entryBytes);
}

/**
 * Waits no longer than that. A connection can die in the midst of a query without a word, and TCP takes a quarter of an
 * hour to find out; what is repeated anyway must not wait for it. @throws the work's error, or one that says it is late
 */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new Error(`no answer within ${milliseconds} ms`);
    timer = setTimeout(() => reject(error), milliseconds).unref();
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

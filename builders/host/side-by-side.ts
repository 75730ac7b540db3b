/**
 * Works on items in their order, `width` of them at a time. The first failure stops the others through the signal that
 * `work` gets, and is thrown once all have ended: nothing goes on behind the caller's back.
 * @throws what `work` threw first; the reason of `signal` if it fires
 */
export async function sideBySide<T>(
  items: Iterable<T>,
  width: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    try {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        either.throwIfAborted();
        await work(next.value, either);
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: width }, worker));
  if (ended.some(({ status }) => status === "rejected")) throw either.reason;
}

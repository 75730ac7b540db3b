/**
 * One worker, one batch at a time, in order of arrival. Items that arrive while it works wait, and are then taken
 * together, at most `limit` at once.
 * @param work one result for each item, in order; if it throws, all items of the batch fail with that error
 * @returns adds an item, and gives its result
 */
export function batchQueue<T, R>(
  limit: number,
  work: (batch: readonly T[]) => Promise<readonly PromiseSettledResult<R>[]>,
): (item: T) => Promise<R> {
  type Waiting = { readonly item: T; readonly settle: (result: PromiseSettledResult<R>) => void };
  const waiting: Waiting[] = [];
  let busy = false;
  const drain = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, limit);
      const results = await work(batch.map(({ item }) => item)).catch((reason: unknown) =>
        batch.map(() => ({ status: "rejected" as const, reason })),
      );
      for (const [index, result] of results.entries()) batch[index]?.settle(result);
    }
    busy = false;
  };
  return (item) =>
    new Promise<R>((resolve, reject) => {
      const settle = (result: PromiseSettledResult<R>) =>
        result.status === "fulfilled" ? resolve(result.value) : reject(result.reason as Error);
      waiting.push({ item, settle });
      if (!busy) void drain();
    });
}

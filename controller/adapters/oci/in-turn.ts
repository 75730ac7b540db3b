/** What is to happen next about a thing, by its name. */
const turns = new Map<string, Promise<void>>();

/** Runs `work` after all work of this process that was asked for under the same name before. */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = turns.get(name);
  turns.set(name, promise);
  try {
    await before;
    return await work();
  } finally {
    resolve();
    if (turns.get(name) === promise) turns.delete(name);
  }
}

/** Ends work on single keys from outside. */
export type Interrupts = {
  /** does `work` with a signal that fires with the one given, or when the key is interrupted */
  readonly during: <T>(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** ends the work on a key, if there is any */
  readonly interrupt: (key: string, why: string) => void;
};

/** @see Interrupts */
export function createInterrupts(): Interrupts {
  const running = new Map<string, AbortController>();
  return {
    during: async (key, signal, work) => {
      const own = new AbortController();
      running.set(key, own);
      try {
        return await work(AbortSignal.any([signal, own.signal]));
      } finally {
        running.delete(key);
      }
    },
    interrupt: (key, why) => running.get(key)?.abort(new DOMException(why, "AbortError")),
  };
}

import type { Clock } from "../../ports/clock.ts";

/**
 * Answers that are kept for so many milliseconds after they were asked for, by key; whoever asks while an answer is under
 * way gets that one. What failed is not kept.
 * @returns asks, or gives what is known; it throws what `ask` throws, and the signal's reason: what others wait for too
 * goes on then
 */
export function freshAnswers<T>(
  clock: Pick<Clock, "monotonic">,
  milliseconds: number,
): (key: string, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>) => Promise<T> {
  const known = new Map<string, { readonly until: number; readonly answer: Promise<T> }>();
  const { signal: never } = new AbortController();
  return async (key, signal, ask) => {
    signal.throwIfAborted();
    const now = clock.monotonic();
    for (const [old, { until }] of known) if (until <= now) known.delete(old);
    let asked = known.get(key);
    if (asked === undefined) {
      const fresh = { until: now + milliseconds, answer: ask(never) };
      known.set(key, fresh);
      fresh.answer.catch(() => {
        if (known.get(key) === fresh) known.delete(key);
      });
      asked = fresh;
    }
    const answer = await asked.answer;
    signal.throwIfAborted();
    return answer;
  };
}

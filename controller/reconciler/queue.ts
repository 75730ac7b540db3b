import { type BackOff, backOffDelay } from "../domain/back-off.ts";
import type { Clock } from "../ports/clock.ts";
import type { QueueFigures } from "../ports/controller-metrics.ts";

/** Waits between attempts at one key: 750 ms to 15 minutes (release-api.md 2.1). */
export const RETRY: BackOff = { first: 750, longest: 15 * 60_000 };

/**
 * Keys to work on. A key waits at most once, however often it is added, and is never worked on twice at the same time:
 * one that is added meanwhile comes again when it is done.
 */
export type WorkQueue = {
  readonly add: (key: string) => void;
  /** adds it in so many milliseconds; of several such wishes the earliest counts */
  readonly addAfter: (key: string, milliseconds: number) => void;
  /** adds it after a back-off that grows with each call, and not before `atLeast` milliseconds; the wait in milliseconds */
  readonly retry: (key: string, atLeast?: number) => number;
  /** its next back-off is the first again */
  readonly forget: (key: string) => void;
  /** the key that waited longest, to be given to `done`; undefined if none is ready */
  readonly take: () => string | undefined;
  readonly done: (key: string) => void;
  /** nothing is added or taken any more */
  readonly close: () => void;
  readonly figures: () => QueueFigures;
};

type Options = {
  readonly clock: Clock;
  /** from 0 to 1 */
  readonly random: () => number;
  /** told when a key became ready */
  readonly onReady: () => void;
  readonly backOff?: BackOff;
};

export function createQueue({ clock, random, onReady, backOff = RETRY }: Options): WorkQueue {
  const ready = new Set<string>(); // in the order in which keys came
  const running = new Map<string, number>();
  const addedMeanwhile = new Set<string>();
  const later = new Map<string, { readonly due: number; readonly cancel: () => void }>();
  const failures = new Map<string, number>();
  let closed = false;
  let adds = 0;
  let retries = 0;

  const add = (key: string): void => {
    if (closed || ready.has(key)) return;
    if (running.has(key)) {
      addedMeanwhile.add(key);
      return;
    }
    adds += 1;
    ready.add(key);
    onReady();
  };

  const addAfter = (key: string, milliseconds: number): void => {
    if (closed) return;
    const due = clock.monotonic() + milliseconds;
    const planned = later.get(key);
    if (planned !== undefined && planned.due <= due) return;
    planned?.cancel();
    const cancel = clock.after(milliseconds, () => {
      later.delete(key);
      add(key);
    });
    later.set(key, { due, cancel });
  };

  return {
    add,
    addAfter,
    retry: (key, atLeast = 0) => {
      const nth = (failures.get(key) ?? 0) + 1;
      failures.set(key, nth);
      retries += 1;
      const delay = Math.max(atLeast, backOffDelay(nth, backOff, random()));
      addAfter(key, delay);
      return delay;
    },
    forget: (key) => void failures.delete(key),
    take: () => {
      const [key] = ready;
      if (key === undefined) return undefined;
      ready.delete(key);
      running.set(key, clock.monotonic());
      return key;
    },
    done: (key) => {
      running.delete(key);
      if (addedMeanwhile.delete(key)) add(key);
    },
    close: () => {
      closed = true;
      ready.clear();
      for (const { cancel } of later.values()) cancel();
      later.clear();
    },
    figures: () => {
      const now = clock.monotonic();
      const longest = Math.max(0, ...Array.from(running.values(), (since) => now - since));
      return { depth: ready.size, adds, retries, longestRunning: longest / 1000 };
    },
  };
}

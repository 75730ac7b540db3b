import type { Clock } from "../ports/clock.ts";
import type { ControllerMetrics } from "../ports/controller-metrics.ts";
import type { Logger } from "../ports/logger.ts";
import { type Next, nextAfter, nextAfterFault, type Outcome } from "./outcome.ts";
import { createQueue, type WorkQueue } from "./queue.ts";

export type LoopOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ControllerMetrics;
  /** from 0 to 1 */
  readonly random: () => number;
  /** keys that are worked on at the same time, at most */
  readonly concurrency: number;
  /** looks at one key; ends early when the signal fires */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>;
};

/** Works on keys as they come, once it was started. */
export type Loop = {
  readonly queue: Pick<WorkQueue, "add" | "addAfter" | "figures">;
  /** begins to take keys, as long as `mayWork` says so */
  readonly start: (mayWork: () => boolean) => void;
  /**
   * Takes no more keys, and waits for those that are worked on; after `limit` milliseconds their signal fires.
   * @returns keys that had not ended then: what they do may still go on
   */
  readonly stop: (limit: number) => Promise<readonly string[]>;
};

export function createLoop({ clock, log, metrics, random, concurrency, reconcile }: LoopOptions): Loop {
  const running = new Map<string, Promise<void>>();
  const stopping = new AbortController();
  let mayWork = (): boolean => false;
  const queue = createQueue({ clock, random, onReady: () => fill() });
  metrics.showQueue(queue.figures);

  function apply(key: string, next: Next): void {
    if (next.kind === "retry") {
      queue.retry(key, next.atLeast);
      return;
    }
    queue.forget(key);
    if (next.kind === "again") queue.addAfter(key, next.after);
  }

  async function work(key: string): Promise<void> {
    const begun = clock.monotonic();
    let next: Next;
    try {
      next = nextAfter(await reconcile(key, stopping.signal));
    } catch (fault) {
      next = nextAfterFault(fault);
      if (!stopping.signal.aborted) log.warn("a key could not be reconciled", { key, next: next.kind, fault });
    }
    metrics.reconciled(next.result, (clock.monotonic() - begun) / 1000);
    apply(key, next);
  }

  function fill(): void {
    while (running.size < concurrency && mayWork()) {
      const key = queue.take();
      if (key === undefined) return;
      const ended = work(key).finally(() => {
        running.delete(key);
        queue.done(key);
        fill();
      });
      running.set(key, ended);
    }
  }

  return {
    queue,
    start: (allowed) => {
      mayWork = allowed;
      fill();
    },
    stop: async (limit) => {
      queue.close();
      const over = Promise.withResolvers<void>();
      const cancel = clock.after(limit, over.resolve);
      await Promise.race([Promise.all(running.values()), over.promise]);
      cancel();
      const left = [...running.keys()];
      stopping.abort(new DOMException("the controller stops", "AbortError"));
      return left;
    },
  };
}

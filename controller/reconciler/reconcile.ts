import { type Action, actionKey } from "../domain/action.ts";
import { type Decision, decide } from "../domain/decide.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { Observed } from "../domain/observed.ts";

/** One release: what is known of it, and how its actions are carried out. */
export type ReleaseWork = {
  /** looks at everything that is outside; `running`: keys of the actions that are under way */
  readonly observe: (running: ReadonlySet<string>) => Promise<Observed>;
  /** carries out one action; a second time it finds its effect and does nothing */
  readonly act: (action: Action, signal: AbortSignal) => Promise<void>;
};

/**
 * Why what is still under way ends with its release. Made once: an error remembers the functions that made it, and what
 * they see, and a connection that is kept remembers the signal of its last exchange.
 */
const OVER = new DOMException("the release is not worked on any more", "AbortError");

/**
 * Observes, decides and acts until nothing is left to do: actions run side by side, and each one's end calls for a new
 * decision. A stop of the release, or a fault of an action, ends all others first.
 * @param onDecision told each decision and what it was made from, for status and progress
 * @param onFault told which action failed, before all others are ended
 * @throws what an action throws; the signal's reason if it fires; ReleaseError Internal if an action was carried out and
 * its effect is not observed
 */
export async function reconcile(
  work: ReleaseWork,
  signal: AbortSignal,
  onDecision: (decision: Decision, observed: Observed) => void = () => undefined,
  onFault: (action: Action, fault: unknown) => void = () => undefined,
): Promise<Decision> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const running = new Map<string, Promise<void>>();
  const done = new Set<string>();
  const faults: unknown[] = [];
  const start = (action: Action): void => {
    const key = actionKey(action);
    if (running.has(key)) return;
    if (done.has(key)) {
      throw new ReleaseError(
        "Internal",
        `what "${key}" did cannot be observed`,
        "report this as a bug of imgrel; what was done is kept, and is not done a third time",
      );
    }
    const ended = work.act(action, either).then(
      () => void done.add(key),
      (fault: unknown) => {
        if (faults.length === 0 && !either.aborted) onFault(action, fault);
        faults.push(fault);
      },
    );
    running.set(
      key,
      ended.finally(() => running.delete(key)),
    );
  };
  /** Ends what is under way. */
  const settle = async (): Promise<void> => {
    stop.abort(OVER);
    await Promise.all(running.values());
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      if (faults.length > 0) throw faults[0];
      const before = done.size;
      const observed = await work.observe(new Set(running.keys()));
      if (done.size !== before) continue; // what ended meanwhile may have been looked for before
      const decision = decide(observed);
      onDecision(decision, observed);
      if (decision.outcome.kind === "stopped" && decision.actions.length === 0) await settle();
      for (const action of decision.actions) start(action);
      if (running.size === 0) return decision;
      await Promise.race(running.values());
    }
  } finally {
    await settle();
  }
}

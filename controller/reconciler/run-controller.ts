import type { Logger } from "../ports/logger.ts";
import { type Election, type Term } from "./leader-term.ts";
import { waitForLeadership } from "./leader-election.ts";
import type { Loop } from "./loop.ts";

/** What a running controller is made of. */
export type Controller = {
  readonly election: Election;
  readonly loop: Pick<Loop, "start" | "stop">;
  readonly log: Logger;
  /** resolves once every cache was filled; also on those who only stand by */
  readonly synced: Promise<void>;
  /** told when this process begins to lead */
  readonly onTerm: (term: Term) => void;
  /** milliseconds for which keys that are worked on may go on after the signal */
  readonly drainLimit: number;
};

/** Resolves once one of the signals has fired. */
const anyOf = (...signals: readonly AbortSignal[]): Promise<void> => {
  const any = AbortSignal.any([...signals]);
  if (any.aborted) return Promise.resolve();
  return new Promise((fired) => any.addEventListener("abort", () => fired(), { once: true }));
};

/**
 * Stands by, leads, works, and stops in order when the signal fires: no more keys, those under way to their end, then the
 * lease is given back. It is kept if something was cut off: that runs out before another may begin.
 * @throws ReleaseError LeaseLost if another process may lead now: this one has to end at once
 */
export async function runController(controller: Controller, signal: AbortSignal): Promise<void> {
  const { election, loop, log, synced, onTerm, drainLimit } = controller;
  const stopped = anyOf(signal);
  await Promise.race([synced, stopped]);
  const term = await waitForLeadership(election, signal).catch((fault: unknown) => {
    if (signal.aborted) return undefined;
    throw fault;
  });
  if (term === undefined) return;
  onTerm(term);
  loop.start(term.isLeader);
  await anyOf(signal, term.lost);
  const left = await loop.stop(term.lost.aborted ? 0 : drainLimit);
  term.lost.throwIfAborted();
  if (left.length > 0) log.warn("work was cut off, the lease runs out by itself", { keys: left });
  else await term.release();
}

import { ReleaseError } from "../domain/errors.ts";
import { givenBack, type LeaseTimes, type StoredLease } from "../domain/lease.ts";
import { type Clock, pause } from "../ports/clock.ts";
import type { LeaseStore } from "../ports/lease-store.ts";
import type { Logger } from "../ports/logger.ts";

export type Election = {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** names this process, and no other one ever: the pod's name and something random */
  readonly identity: string;
  readonly times: LeaseTimes;
  readonly log: Logger;
  /** from 0 to 1 */
  readonly random: () => number;
};

/** The time for which this process leads. It begins once, and what ended it is final. */
export type Term = {
  /** higher than that of every leader before */
  readonly fence: number;
  /**
   * Whether this process still leads, by the monotonic clock at this moment: also right after it was stopped for longer
   * than its lease. Asked before each effect.
   */
  readonly isLeader: () => boolean;
  /** fires when leadership is lost; not when it is given back */
  readonly lost: AbortSignal;
  /** gives the lease back, so that another need not wait; only once nothing is under way. Never throws. */
  readonly release: () => Promise<void>;
};

/** Holds a lease that was claimed by a write begun at `sent`, and renews it until it is lost or given back. */
export function startTerm({ store, clock, identity, times, log }: Election, claimed: StoredLease, sent: number): Term {
  let lease = claimed;
  let validUntil = sent + times.valid;
  const lost = new AbortController();
  const over = new AbortController();
  let watch = () => {};

  const end = (): void => {
    watch();
    over.abort();
  };
  const lose = (why: string): void => {
    if (over.signal.aborted) return;
    end();
    log.error("this process leads no more", { identity, fence: claimed.transitions, why });
    lost.abort(
      new ReleaseError("LeaseLost", `the lease was lost: ${why}`, "start again: another process may lead now"),
    );
  };
  const isLeader = (): boolean => {
    if (!over.signal.aborted && clock.monotonic() >= validUntil) lose("it was not renewed in time");
    return !over.signal.aborted;
  };
  const believe = (until: number): void => {
    validUntil = until;
    watch();
    watch = clock.after(validUntil - clock.monotonic(), isLeader);
  };

  /** What a lost race means: our own earlier write, whose answer never came, or another holder. */
  async function look(): Promise<void> {
    const found = await store.read(over.signal);
    if (found?.holder === identity && found.transitions === claimed.transitions) lease = found;
    else lose(found === undefined ? "it was deleted" : `${found.holder === "" ? "nobody" : found.holder} holds it`);
  }

  async function renew(): Promise<void> {
    const begun = clock.monotonic();
    const limit = new AbortController();
    // a connection that hangs must leave time for another one
    const cancel = clock.after(times.valid / 3, () => limit.abort(new Error("no answer in time")));
    try {
      const either = AbortSignal.any([over.signal, limit.signal]);
      lease = await store.replace(lease.version, { ...lease, renewed: clock.now() }, either);
      if (isLeader()) believe(begun + times.valid);
    } catch (fault) {
      if (over.signal.aborted) return;
      const code = fault instanceof ReleaseError ? fault.code : "";
      if (code === "ObjectConflict" || code === "NotFound") return await look();
      log.warn("the lease could not be renewed", { reason: fault instanceof Error ? fault.message : String(fault) });
    } finally {
      cancel();
    }
  }

  async function keepRenewing(): Promise<void> {
    for (;;) {
      await pause(clock, times.renew, over.signal);
      if (!isLeader()) return;
      await renew().catch((fault: unknown) => log.warn("the lease cannot be read", { reason: String(fault) }));
    }
  }

  /** Reads first: a renewal that was cut off may have been written. */
  async function giveBack(limit: AbortSignal): Promise<void> {
    const found = await store.read(limit);
    if (found?.holder === identity) await store.replace(found.version, givenBack(found, clock.now()), limit);
  }

  believe(validUntil);
  const renewing = keepRenewing();

  return {
    fence: claimed.transitions,
    isLeader,
    lost: lost.signal,
    release: async () => {
      if (!isLeader()) return;
      end();
      await renewing;
      await giveBack(AbortSignal.timeout(times.renew)).catch((fault: unknown) =>
        log.warn("the lease could not be given back, and runs out by itself", { reason: String(fault) }),
      );
    },
  };
}

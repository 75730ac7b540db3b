import { ReleaseError } from "../domain/errors.ts";
import { claimOf, isFree, type SeenLease, seeLease, type StoredLease } from "../domain/lease.ts";
import { pause } from "../ports/clock.ts";
import { type Election, startTerm, type Term } from "./leader-term.ts";

/** Another candidate wrote at the same time. */
const wasRace = (fault: unknown): boolean =>
  fault instanceof ReleaseError && ["ObjectExists", "ObjectConflict", "NotFound"].includes(fault.code);

/**
 * Waits until this process leads. Faults of the store only delay that; they are logged when they change.
 * @throws the signal's reason
 */
export async function waitForLeadership(election: Election, signal: AbortSignal): Promise<Term> {
  const { store, clock, identity, times, log, random } = election;
  let seen: SeenLease | undefined;
  let told = "";

  /** The lease, now ours; undefined if another holds it. `sent`: from before the write. */
  async function claim(): Promise<{ readonly lease: StoredLease; readonly sent: number } | undefined> {
    const lease = await store.read(signal);
    const sent = clock.monotonic();
    if (lease === undefined) {
      return { lease: await store.create(claimOf(undefined, identity, times, clock.now()), signal), sent };
    }
    seen = seeLease(seen, lease, sent);
    if (!isFree(seen, times, sent)) return undefined;
    return { lease: await store.replace(lease.version, claimOf(lease, identity, times, clock.now()), signal), sent };
  }

  for (;;) {
    signal.throwIfAborted();
    try {
      const claimed = await claim();
      told = "";
      // an answer that came too late is no term: this process may have been stopped meanwhile
      if (claimed !== undefined && clock.monotonic() < claimed.sent + times.valid) {
        log.info("this process leads", { identity, fence: claimed.lease.transitions });
        return startTerm(election, claimed.lease, claimed.sent);
      }
    } catch (fault) {
      signal.throwIfAborted();
      const reason = fault instanceof Error ? fault.message : String(fault);
      if (!wasRace(fault) && reason !== told) log.warn("the lease cannot be read or written", { reason });
      told = reason;
    }
    await pause(clock, times.renew * (0.75 + random() / 2), signal);
  }
}

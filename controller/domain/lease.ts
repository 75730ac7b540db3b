/** What a Lease says (coordination.k8s.io/v1, LeaseSpec). */
export type Lease = {
  /** who holds it; empty: it was given back */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquired: Date;
  readonly renewed: Date;
  /** how often it changed hands: the fencing number of who holds it */
  readonly transitions: number;
};

/** A lease as it is stored. `version` is another one after each write. */
export type StoredLease = Lease & { readonly version: string };

/** A lease, and since when (monotonic milliseconds) this process has seen it unchanged. */
export type SeenLease = { readonly lease: StoredLease; readonly since: number };

/** Milliseconds. */
export type LeaseTimes = {
  /** how long a lease that nobody renews keeps others away */
  readonly duration: number;
  /** how long its holder believes in it, from the moment when it began to renew; well below `duration` */
  readonly valid: number;
  readonly renew: number;
};

/**
 * The holder gives up a third before anyone else may begin: clocks may go wrong by a fifth, and still there are never
 * two leaders. Times of day are not compared at all.
 */
export const LEASE_TIMES: LeaseTimes = { duration: 15_000, valid: 10_000, renew: 2000 };

/** What is known after one more look. A lease that is written again counts from now. */
export const seeLease = (before: SeenLease | undefined, lease: StoredLease, now: number): SeenLease =>
  before?.lease.version === lease.version ? before : { lease, since: now };

/** Whether another may take a lease: it was given back, or nobody renewed it for as long as it says, or as we think fit. */
export const isFree = ({ lease, since }: SeenLease, times: LeaseTimes, now: number): boolean =>
  lease.holder === "" || now - since >= Math.max(times.duration, lease.durationSeconds * 1000);

/** The lease as a new holder writes it. */
export const claimOf = (before: Lease | undefined, holder: string, times: LeaseTimes, now: Date): Lease => ({
  holder,
  durationSeconds: times.duration / 1000,
  acquired: now,
  renewed: now,
  transitions: before === undefined ? 0 : before.transitions + 1,
});

/** The lease as its holder gives it back. */
export const givenBack = (lease: Lease, now: Date): Lease => ({
  ...lease,
  holder: "",
  durationSeconds: 1,
  renewed: now,
});

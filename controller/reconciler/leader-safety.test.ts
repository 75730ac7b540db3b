import fc from "fast-check";
import { expect, it } from "vitest";
import { createLeaseStore } from "../../test/fakes/lease-store.ts";
import { createVirtualTime, type VirtualTime } from "../../test/fakes/virtual-time.ts";
import { ReleaseError } from "../domain/errors.ts";
import { LEASE_TIMES } from "../domain/lease.ts";
import type { Clock } from "../ports/clock.ts";
import type { LeaseStore } from "../ports/lease-store.ts";
import { silentLogger } from "../ports/logger.ts";
import { waitForLeadership } from "./leader-election.ts";
import type { Term } from "./leader-term.ts";

const Delay = fc.oneof({ weight: 3, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(6000) });
const Spans = fc.array(fc.record({ at: fc.nat(120_000), length: fc.nat(40_000) }), { maxLength: 3 });

/** How one process fares: how fast its clock runs, when it is stopped or cut off, and what becomes of its requests. */
const Fate = fc.record({
  rate: fc.constantFrom(0.82, 1, 1.18),
  pauses: Spans,
  outages: Spans,
  calls: fc.array(
    fc.record({
      there: Delay,
      back: Delay,
      lost: fc.constantFrom("nothing", "nothing", "nothing", "nothing", "request", "answer"),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});
type Fate = typeof Fate extends fc.Arbitrary<infer T> ? T : never;

const during = (spans: Fate["pauses"], now: number) => spans.find(({ at, length }) => at <= now && now < at + length);

/** Runs what a process wants to do once it is not stopped (SIGSTOP): its clock goes on meanwhile, it does not. */
function stoppable(time: VirtualTime, { rate, pauses }: Fate): Clock & { wake: (call: () => void) => void } {
  const clock = time.clock(rate);
  const wake = (call: () => void): void => {
    const now = time.now();
    const stopped = during(pauses, now);
    if (stopped === undefined) call();
    else time.after(stopped.at + stopped.length - now, () => wake(call));
  };
  return { ...clock, wake, after: (milliseconds, call) => clock.after(milliseconds, () => wake(call)) };
}

/** The store over a slow and lossy network: a request may be carried out long after it was sent. */
function faraway(store: LeaseStore, time: VirtualTime, fate: Fate, wake: (call: () => void) => void): LeaseStore {
  let nth = 0;
  const send = <T>(call: () => Promise<T>): Promise<T> => {
    const { there, back, lost } = fate.calls[nth % fate.calls.length] ?? { there: 0, back: 0, lost: "nothing" };
    nth += 1;
    const answer = Promise.withResolvers<T>();
    const fail = () => wake(() => answer.reject(new ReleaseError("ClusterUnavailable", "lost", "")));
    time.after(there, () => {
      if (lost === "request" || during(fate.outages, time.now())) return void time.after(back, fail);
      call().then(
        (value) => time.after(back, lost === "answer" ? fail : () => wake(() => answer.resolve(value))),
        (error: Error) => time.after(back, () => wake(() => answer.reject(error))),
      );
    });
    return answer.promise;
  };
  return {
    read: (signal) => send(() => store.read(signal)),
    create: (lease, signal) => send(() => store.create(lease, signal)),
    replace: (version, lease, signal) => send(() => store.replace(version, lease, signal)),
  };
}

/** Lets candidates run for three minutes; the largest number of leaders at one true moment, and all terms. */
async function simulate(fates: readonly Fate[]) {
  const time = createVirtualTime();
  const store = createLeaseStore();
  const stop = new AbortController();
  const terms: Term[] = [];
  for (const [index, fate] of fates.entries()) {
    const { wake, ...clock } = stoppable(time, fate);
    const election = {
      ...{ store: faraway(store, time, fate, wake), clock, identity: `candidate-${index}` },
      ...{ times: LEASE_TIMES, log: silentLogger, random: () => 0.5 },
    };
    waitForLeadership(election, stop.signal).then(
      (term) => terms.push(term),
      () => undefined,
    );
  }
  let most = 0;
  await time.pass(180_000, () => {
    most = Math.max(most, terms.filter((term) => term.isLeader()).length);
  });
  stop.abort();
  return { most, terms };
}

it("never two lead at the same time, whatever is slow, lost or stopped, as long as clocks are nearly right", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Fate, { minLength: 2, maxLength: 4 }), async (fates) => {
      const { most, terms } = await simulate(fates);
      expect(most).toBeLessThanOrEqual(1);
      expect(new Set(terms.map(({ fence }) => fence)).size).toBe(terms.length);
      expect(terms.map(({ fence }) => fence)).toEqual(terms.map(({ fence }) => fence).toSorted((a, b) => a - b));
    }),
    { numRuns: 200 },
  );
});

it("a process that is stopped past its lease does not lead when it goes on, and another does", async () => {
  const calm = { there: 5, back: 5, lost: "nothing" as const };
  const { most, terms } = await simulate([
    { rate: 1, pauses: [{ at: 20_000, length: 40_000 }], outages: [], calls: [calm] },
    { rate: 1, pauses: [], outages: [], calls: [calm] },
  ]);
  expect(most).toBe(1);
  expect(terms.map((term) => [term.fence, term.isLeader()])).toEqual([
    [0, false],
    [1, true],
  ]);
});

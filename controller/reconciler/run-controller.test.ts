import { describe, expect, it } from "vitest";
import { createLeaseStore } from "../../test/fakes/lease-store.ts";
import { recordedLogger } from "../../test/fakes/recorded-logger.ts";
import { silentMetrics } from "../../test/fakes/silent-metrics.ts";
import { createVirtualTime } from "../../test/fakes/virtual-time.ts";
import { LEASE_TIMES } from "../domain/lease.ts";
import type { Term } from "./leader-term.ts";
import { createLoop } from "./loop.ts";
import type { Outcome } from "./outcome.ts";
import { runController } from "./run-controller.ts";

function setUp() {
  const time = createVirtualTime();
  const clock = time.clock();
  const store = createLeaseStore();
  const { log, records } = recordedLogger();
  const started: string[] = [];
  const work = Promise.withResolvers<Outcome>();
  const reconcile = (key: string) => {
    started.push(key);
    return work.promise;
  };
  const loop = createLoop({ clock, log, metrics: silentMetrics, random: () => 0.5, concurrency: 4, reconcile });
  const synced = Promise.withResolvers<void>();
  const stop = new AbortController();
  const terms: Term[] = [];
  const election = { store, clock, identity: "a", times: LEASE_TIMES, log, random: () => 0.5 };
  const ended: { fault?: unknown; ok?: true } = {};
  const controller = { election, loop, log, synced: synced.promise, onTerm: (term: Term) => terms.push(term) };
  runController({ ...controller, drainLimit: 30_000 }, stop.signal).then(
    () => (ended.ok = true),
    (fault: unknown) => (ended.fault = fault),
  );
  return { time, store, loop, records, started, work, synced, stop, terms, ended };
}

describe("a controller", () => {
  it("begins to lead only once its caches were filled", async () => {
    const { time, store, loop, started, synced, terms } = setUp();
    loop.queue.add("x");
    await time.pass(60_000);
    expect([store.stored(), started]).toEqual([undefined, []]);
    synced.resolve();
    await time.pass(1000);
    expect([terms.length, started]).toEqual([1, ["x"]]);
  });

  it("stops in order: no more keys, what is under way to its end, then the lease", async () => {
    const { time, store, loop, started, synced, work, stop, ended } = setUp();
    synced.resolve();
    await time.pass(1000);
    loop.queue.add("x");
    stop.abort(new Error("SIGTERM"));
    await time.pass(5000);
    loop.queue.add("y");
    expect([store.stored()?.holder, ended]).toEqual(["a", {}]);
    work.resolve({ kind: "done" });
    await time.pass(0);
    expect([store.stored()?.holder, ended, started]).toEqual(["", { ok: true }, ["x"]]);
  });

  it("keeps the lease when it cut something off", async () => {
    const { time, store, loop, records, synced, stop, ended } = setUp();
    synced.resolve();
    await time.pass(1000);
    loop.queue.add("x");
    stop.abort(new Error("SIGTERM"));
    await time.pass(30_000);
    expect([store.stored()?.holder, ended]).toEqual(["a", { ok: true }]);
    expect(records).toContainEqual(expect.objectContaining({ keys: ["x"] }));
  });

  it("ends with a fault when the lease is lost, without waiting for anything", async () => {
    const { time, store, loop, synced, ended } = setUp();
    synced.resolve();
    await time.pass(1000);
    loop.queue.add("x");
    store.remove();
    await time.pass(LEASE_TIMES.renew);
    await time.pass(1);
    expect(ended.fault).toMatchObject({ code: "LeaseLost" });
  });

  it("ends without one when it is stopped while it stands by, or before its caches are filled", async () => {
    const early = setUp();
    early.stop.abort();
    await early.time.pass(0);
    expect(early.ended).toEqual({ ok: true });
    const late = setUp();
    await late.store.create(
      { holder: "b", durationSeconds: 600, acquired: new Date(), renewed: new Date(), transitions: 3 },
      late.stop.signal,
    );
    late.synced.resolve();
    await late.time.pass(60_000);
    late.stop.abort(new Error("SIGTERM"));
    await late.time.pass(1);
    expect([late.ended, late.terms]).toEqual([{ ok: true }, []]);
  });
});

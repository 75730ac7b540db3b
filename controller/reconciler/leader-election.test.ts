import { describe, expect, it } from "vitest";
import { createLeaseStore } from "../../test/fakes/lease-store.ts";
import { recordedLogger } from "../../test/fakes/recorded-logger.ts";
import { createVirtualTime } from "../../test/fakes/virtual-time.ts";
import { ReleaseError } from "../domain/errors.ts";
import { type Lease, LEASE_TIMES } from "../domain/lease.ts";
import { waitForLeadership } from "./leader-election.ts";
import type { Term } from "./leader-term.ts";

const DOWN = new ReleaseError("ClusterUnavailable", "503", "");

function setUp() {
  const time = createVirtualTime();
  const store = createLeaseStore();
  const stop = new AbortController();
  const candidate = (identity: string) => {
    const { log, records } = recordedLogger();
    const election = { store, clock: time.clock(), identity, times: LEASE_TIMES, log, random: () => 0.5 };
    const state: { term?: Term } = {};
    const waiting = waitForLeadership(election, stop.signal).then((term) => {
      state.term = term;
      return term;
    });
    waiting.catch(() => undefined);
    return { state, waiting, records, leads: () => state.term?.isLeader() === true };
  };
  return { time, store, stop, candidate };
}

describe("leader election", () => {
  it("makes the first the leader, and keeps the others waiting for as long as it renews", async () => {
    const { time, store, candidate } = setUp();
    const [a, b] = [candidate("a"), candidate("b")];
    await time.pass(120_000);
    expect([a.leads(), b.leads()]).toEqual([true, false]);
    expect(store.stored()).toMatchObject({ holder: "a", transitions: 0, durationSeconds: 15 });
    expect(a.state.term?.fence).toBe(0);
  });

  it("hands over at once when the lease is given back, with a higher fencing number", async () => {
    const { time, store, candidate } = setUp();
    const [a, b] = [candidate("a"), candidate("b")];
    await time.pass(5000);
    await a.state.term?.release();
    expect(a.leads()).toBe(false);
    expect(a.state.term?.lost.aborted).toBe(false);
    expect(store.stored()).toMatchObject({ holder: "", durationSeconds: 1 });
    await time.pass(LEASE_TIMES.renew * 1.25);
    expect(b.leads()).toBe(true);
    expect(b.state.term?.fence).toBe(1);
  });

  it("ends for the leader when the server cannot be reached, before another begins", async () => {
    const { time, store, candidate } = setUp();
    const a = candidate("a");
    await time.pass(5000);
    store.faults.push(...Array.from({ length: 10 }, () => ({ error: DOWN, late: false })));
    await time.pass(LEASE_TIMES.valid);
    expect(a.leads()).toBe(false);
    expect(a.state.term?.lost.reason).toMatchObject({ code: "LeaseLost", kind: "transient" });
  });

  it("survives a renewal that was written but never answered", async () => {
    const { time, store, candidate } = setUp();
    const a = candidate("a");
    await time.pass(1000);
    store.faults.push({ error: DOWN, late: true });
    await time.pass(60_000);
    expect(a.leads()).toBe(true);
    expect(a.records.map(({ message }) => message)).toContain("the lease could not be renewed");
  });

  it("survives one connection that hangs", async () => {
    const { time, store, candidate } = setUp();
    const a = candidate("a");
    await time.pass(1000);
    const replace = store.replace;
    let calls = 0;
    Object.assign(store, {
      replace: (version: string, lease: Lease, signal: AbortSignal) => {
        calls += 1;
        if (calls > 1) return replace(version, lease, signal);
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(DOWN), { once: true }));
      },
    });
    await time.pass(60_000);
    expect([a.leads(), calls > 20]).toEqual([true, true]);
  });

  it("ends when the lease is found deleted, or with another holder", async () => {
    for (const spoil of ["delete", "take"] as const) {
      const { time, store, candidate } = setUp();
      const a = candidate("a");
      await time.pass(1000);
      const stored = store.stored();
      if (stored === undefined) throw new Error("nobody leads");
      if (spoil === "delete") store.remove();
      else
        await store.replace(stored.version, { ...stored, holder: "b", transitions: 1 }, new AbortController().signal);
      await time.pass(LEASE_TIMES.renew);
      expect(a.leads()).toBe(false);
      expect(a.state.term?.lost.aborted).toBe(true);
    }
  });

  it("does not take back a loss, even if a late answer says that the lease was renewed", async () => {
    const { time, store, candidate } = setUp();
    const a = candidate("a");
    await time.pass(1000);
    const replace = store.replace;
    const slow = Promise.withResolvers<void>();
    Object.assign(store, {
      replace: async (...args: Parameters<typeof replace>) => {
        const written = await replace(...args);
        await slow.promise;
        return written;
      },
    });
    await time.pass(LEASE_TIMES.valid);
    expect(a.leads()).toBe(false);
    slow.resolve();
    await time.pass(1000);
    expect(a.leads()).toBe(false);
  });

  it("gives back what a renewal that was cut off had written", async () => {
    const { time, store, candidate } = setUp();
    const a = candidate("a");
    await time.pass(1000);
    store.faults.push({ error: DOWN, late: true });
    await time.pass(LEASE_TIMES.renew);
    await a.state.term?.release();
    expect(store.stored()?.holder).toBe("");
  });

  it("does not give back a lease that it lost", async () => {
    const { time, store, candidate } = setUp();
    const a = candidate("a");
    await time.pass(1000);
    const stored = store.stored();
    if (stored === undefined) throw new Error("nobody leads");
    await store.replace(stored.version, { ...stored, holder: "b", transitions: 1 }, new AbortController().signal);
    await a.state.term?.release();
    expect(store.stored()?.holder).toBe("b");
  });

  it("waits on while the lease cannot be read, and says so once", async () => {
    const { time, store, candidate } = setUp();
    store.faults.push(...Array.from({ length: 5 }, () => ({ error: DOWN, late: false })));
    const a = candidate("a");
    await time.pass(30_000);
    expect(a.leads()).toBe(true);
    expect(a.records.filter(({ level }) => level === "warn")).toHaveLength(1);
  });

  it("does not lead if it learns only too late that the lease is its own", async () => {
    const { time, store, candidate } = setUp();
    const create = store.create;
    Object.assign(store, {
      create: async (...args: Parameters<typeof create>) => {
        const written = await create(...args);
        await new Promise<void>((later) => time.after(LEASE_TIMES.valid, later));
        return written;
      },
    });
    const a = candidate("a");
    await time.pass(LEASE_TIMES.valid + 1);
    expect(store.stored()?.holder).toBe("a");
    expect(a.state.term).toBeUndefined();
    await time.pass(LEASE_TIMES.duration + 2 * LEASE_TIMES.renew);
    expect(a.state.term?.fence).toBe(1);
  });

  it("ends with the signal", async () => {
    const { time, stop, candidate } = setUp();
    candidate("a");
    const b = candidate("b");
    await time.pass(5000);
    stop.abort(new Error("stop"));
    await time.pass(5000);
    await expect(b.waiting).rejects.toThrow("stop");
  });
});

import { describe, expect, it } from "vitest";
import { claimOf, givenBack, isFree, LEASE_TIMES, seeLease, type StoredLease } from "./lease.ts";

const NOW = new Date("2026-11-23T04:00:00Z");
const lease: StoredLease = { ...claimOf(undefined, "a", LEASE_TIMES, NOW), version: "7" };

describe("a lease", () => {
  it("is counted from when it was seen to change, by the own clock", () => {
    const seen = seeLease(undefined, lease, 100);
    expect(seeLease(seen, lease, 5000)).toBe(seen);
    expect(seeLease(seen, { ...lease, version: "8" }, 5000).since).toBe(5000);
  });

  it("is free once nobody renewed it for its duration", () => {
    const seen = seeLease(undefined, lease, 100);
    expect(isFree(seen, LEASE_TIMES, 15_099)).toBe(false);
    expect(isFree(seen, LEASE_TIMES, 15_100)).toBe(true);
  });

  it("of a holder who asks for longer is left alone for longer, and one for shorter is not taken early", () => {
    expect(isFree({ lease: { ...lease, durationSeconds: 60 }, since: 0 }, LEASE_TIMES, 59_999)).toBe(false);
    expect(isFree({ lease: { ...lease, durationSeconds: 1 }, since: 0 }, LEASE_TIMES, 14_999)).toBe(false);
  });

  it("that was given back is free at once, and keeps its number", () => {
    const back = { ...givenBack(lease, NOW), version: "8" };
    expect(isFree({ lease: back, since: 0 }, LEASE_TIMES, 0)).toBe(true);
    expect(claimOf(back, "b", LEASE_TIMES, NOW)).toMatchObject({ holder: "b", transitions: 1, durationSeconds: 15 });
  });

  it("has a higher number with each holder", () => {
    expect(claimOf({ ...lease, transitions: 41 }, "b", LEASE_TIMES, NOW).transitions).toBe(42);
    expect(lease.transitions).toBe(0);
  });

  it("is believed in for less long than others wait, by more than clocks go wrong", () => {
    const drift = 0.19;
    expect(LEASE_TIMES.valid * (1 + drift)).toBeLessThan(LEASE_TIMES.duration * (1 - drift));
    expect(LEASE_TIMES.renew * 2).toBeLessThan(LEASE_TIMES.valid);
  });
});

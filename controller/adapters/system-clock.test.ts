import { expect, it } from "vitest";
import { pause } from "../ports/clock.ts";
import { systemClock } from "./system-clock.ts";

it("the machine's clock waits for about as long as it is asked to", async () => {
  const before = systemClock.monotonic();
  await pause(systemClock, 30, new AbortController().signal);
  expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(29);
  expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(1000);
});

it("a wait ends with the signal, and one longer than a timer can be does not end at once", async () => {
  const stop = new AbortController();
  let over = false;
  const waiting = pause(systemClock, 2 ** 40, stop.signal).then(() => (over = true));
  await pause(systemClock, 20, new AbortController().signal);
  expect(over).toBe(false);
  stop.abort();
  await waiting;
  expect(over).toBe(true);
  await pause(systemClock, 2 ** 40, stop.signal);
});

it("what was taken back does not happen", async () => {
  let called = false;
  systemClock.after(5, () => (called = true))();
  await pause(systemClock, 20, new AbortController().signal);
  expect(called).toBe(false);
});

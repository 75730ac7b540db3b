import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProgressEvent } from "../../../builders/contract/progress.ts";
import { plainProgress, QUIET_SECONDS } from "./progress-plain.ts";

/** A view over a clock that only `pass` moves; its timer ticks as a real one would. */
function setUp() {
  const lines: string[] = [];
  let seconds = 0;
  const ticks = new Set<() => void>();
  const view = plainProgress((line) => lines.push(line), {
    now: () => new Date(2026, 10, 23, 9, 5, seconds),
    seconds: () => seconds,
    every: (_, tick) => {
      ticks.add(tick);
      return () => ticks.delete(tick);
    },
  });
  const pass = (time: number) => {
    for (let second = 0; second < time; second++) {
      seconds += 1;
      for (const tick of ticks) tick();
    }
  };
  return { view, lines, ticks, pass };
}
const action = (text: string, step = "root"): ProgressEvent => ({ event: "action", step, text });

test("starts and ends are lines with the time of day", () => {
  const { view, lines, pass } = setUp();
  view.report({ event: "started", step: "root" });
  pass(65);
  view.report({ event: "started", step: "initramfs", text: "dracut" });
  view.report({
    event: "finished",
    step: "root",
    wallSeconds: 65.2,
    userSeconds: 40.1,
    systemSeconds: 8.1,
    bytes: 76_754_124,
    text: "212 packages",
  });
  view.report({ event: "failed", step: "initramfs", text: "dracut ended\nwith code 1" });
  expect(lines).toEqual([
    "09:05:00 root: started",
    "09:06:05 initramfs: started, dracut",
    "09:06:05 root: done in 1 m 05 s, CPU 48.2 s, 73.2 MiB, 212 packages",
    "09:06:05 initramfs: failed after 0.0 s: dracut ended with code 1",
  ]);
});

test("actions of one step come at most every ten seconds, the last of a burst when they are over", () => {
  const { view, lines, pass } = setUp();
  view.report({ event: "started", step: "root" });
  for (const text of ["libc6", "dpkg", "perl"]) view.report(action(text));
  expect(lines).toEqual(["09:05:00 root: started"]);
  pass(QUIET_SECONDS - 1);
  expect(lines).toHaveLength(1);
  pass(1);
  expect(lines.slice(1)).toEqual(["09:05:10 root: perl"]);
  pass(60);
  expect(lines).toHaveLength(2);
  view.report({ event: "action", step: "root", text: "fetching", done: 3_145_728, total: 7_340_032, unit: "bytes" });
  expect(lines.slice(2)).toEqual(["09:06:10 root: fetching, 3.0 MiB / 7.0 MiB"]);
});

test("steps do not silence each other", () => {
  const { view, lines } = setUp();
  view.report(action("one", "a"));
  view.report(action("two", "b"));
  expect(lines).toEqual(["09:05:00 a: one", "09:05:00 b: two"]);
});

test("an action that still waits when its step ends is not written after the end", () => {
  const { view, lines, ticks, pass } = setUp();
  view.report({ event: "started", step: "root" });
  view.report(action("late"));
  view.report({ event: "finished", step: "root", wallSeconds: 1, userSeconds: 0, systemSeconds: 0 });
  pass(30);
  expect(lines).toEqual(["09:05:00 root: started", "09:05:00 root: done in 1.0 s"]);
  expect(ticks.size).toBe(0);
});

test("closing says what was stopped, and leaves no timer", () => {
  const { view, lines, ticks } = setUp();
  view.report({ event: "started", step: "root" });
  view.close();
  view.close();
  expect(lines).toEqual(["09:05:00 root: started", "09:05:00 root: stopped"]);
  expect(ticks.size).toBe(0);
});

test("what others print is not held back", () => {
  const { view, lines } = setUp();
  view.aside(() => lines.push("result"));
  expect(lines).toEqual(["result"]);
});

test("however busy a step is, it gets one line in ten seconds", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat({ max: 5 })), { maxLength: 60 }), (script) => {
      const { view, lines, pass } = setUp();
      let total = 0;
      for (const [step, pause] of script) {
        view.report(action("busy", step));
        pass(pause);
        total += pause;
      }
      for (const step of ["a", "b"]) {
        const said = lines.filter((line) => line.includes(` ${step}: `)).length;
        expect(said).toBeLessThanOrEqual(1 + Math.floor(total / QUIET_SECONDS));
        expect(said > 0).toBe(script.some(([name]) => name === step));
      }
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProgressEvent } from "../../../builders/contract/progress.ts";
import { afterEvent, elapsedSeconds, type ProgressState, runningRows } from "./progress-state.ts";

const finished = { event: "finished", step: "root", wallSeconds: 5, userSeconds: 3, systemSeconds: 1 } as const;

/** The state after events that come one second after the other, from second 100. */
const after = (...events: readonly ProgressEvent[]): ProgressState =>
  events.reduce<ProgressState>((state, event, index) => afterEvent(state, event, 100 + index), []);

test("a step runs from its start and keeps its last action and count", () => {
  const state = after(
    { event: "started", step: "root", text: "amd64" },
    { event: "action", step: "root", text: "unpacking", done: 3, total: 7 },
  );
  expect(state).toEqual([
    {
      step: "root",
      status: "running",
      text: "unpacking",
      startedAt: 100,
      wallSeconds: null,
      cpuSeconds: null,
      bytes: null,
      count: { done: 3, total: 7, unit: "items" },
    },
  ]);
  expect(state.map((row) => elapsedSeconds(row, 112.5))).toEqual([12.5]);
});

test("an action without a count takes the earlier count away", () => {
  const [row] = after(
    { event: "action", step: "root", text: "fetching", done: 1, unit: "bytes" },
    { event: "action", step: "root", text: "configuring" },
  );
  expect(row).toMatchObject({ text: "configuring", count: null });
});

test("a finished step has its own wall time, cost and size", () => {
  const [row] = after({ event: "started", step: "root" }, { ...finished, bytes: 42, text: "done" });
  expect(row).toMatchObject({
    status: "finished",
    wallSeconds: 5,
    cpuSeconds: 4,
    bytes: 42,
    text: "done",
    count: null,
  });
  expect(row && elapsedSeconds(row, 1e6)).toBe(5);
});

test("a step that accounts for no processor time has none", () => {
  const [row] = after({ ...finished, userSeconds: 0, systemSeconds: 0 });
  expect(row).toMatchObject({ cpuSeconds: null, bytes: null });
});

test("a failed step ran until its failure", () => {
  const [row] = after(
    { event: "started", step: "boot" },
    { event: "action", step: "boot", text: "waiting", done: 1, total: 2 },
    { event: "failed", step: "boot", text: "no login" },
  );
  expect(row).toMatchObject({ status: "failed", wallSeconds: 2, text: "no login", count: null });
});

test("a step that never said that it started begins with its first event", () => {
  expect(after({ event: "action", step: "fetch", text: "libc6" })).toMatchObject([
    { startedAt: 100, status: "running" },
  ]);
  expect(after(finished)).toMatchObject([{ startedAt: 95, wallSeconds: 5 }]);
});

test("a step that runs again gets a row of its own, and events go to the latest", () => {
  const state = after(
    { event: "started", step: "root" },
    finished,
    { event: "started", step: "root" },
    { event: "action", step: "root", text: "again" },
  );
  expect(state).toMatchObject([
    { status: "finished", text: "" },
    { status: "running", text: "again" },
  ]);
});

test("of two running steps with one name, events go to the later", () => {
  const state = after({ event: "started", step: "root" }, { event: "started", step: "root" }, finished);
  expect(state.map((row) => row.status)).toEqual(["running", "finished"]);
});

test("texts and names of other programs become one harmless, short line", () => {
  const [row] = after({ event: "action", step: "ro\not", text: `\u001b[2J\u001b[31mone\ntwo${"x".repeat(1_000_000)}` });
  expect(row?.step).toBe("ro ot");
  expect(row?.text).toMatch(/^one twox+$/);
  expect(row?.text).toHaveLength(500);
});

const step = fc.constantFrom("root", "initramfs", "root image");
const seconds = fc.double({ min: 0, max: 1e5, noNaN: true });
const event: fc.Arbitrary<ProgressEvent> = fc.oneof(
  fc.record({ event: fc.constant("started" as const), step }),
  fc.record({ event: fc.constant("action" as const), step, text: fc.string(), done: fc.nat(), total: fc.nat() }),
  fc.record({
    event: fc.constant("finished" as const),
    step,
    wallSeconds: seconds,
    userSeconds: seconds,
    systemSeconds: seconds,
  }),
  fc.record({ event: fc.constant("failed" as const), step, text: fc.string() }),
);

test("whatever comes: only one row changes at a time, ended rows stay, and every start is met by at most one end", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat({ max: 100 })), { maxLength: 40 }), (script) => {
      let state: ProgressState = [];
      let now = 0;
      for (const [next, pause] of script) {
        now += pause;
        const before = state;
        state = afterEvent(before, next, now);
        const changed = state.filter((row, index) => row !== before[index]);
        expect(changed).toHaveLength(1);
        expect(changed[0]?.step).toBe(next.step);
        expect(before.every((row, index) => row.status === "running" || row === state[index])).toBe(true);
        const started =
          next.event === "started" || !before.some((row) => row.step === next.step && row.status === "running");
        const ends = next.event === "finished" || next.event === "failed";
        expect(state.length - before.length).toBe(started ? 1 : 0);
        expect(runningRows(state).length - runningRows(before).length).toBe(Number(started) - Number(ends));
        for (const row of state) expect(elapsedSeconds(row, now)).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

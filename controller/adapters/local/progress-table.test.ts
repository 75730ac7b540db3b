import { expect, test } from "vitest";
import type { ProgressEvent } from "../../../builders/contract/progress.ts";
import { tableProgress } from "./progress-table.ts";

/** A terminal as an array: lines that stay, and the live lines below them. */
function setUp() {
  const kept: string[] = [];
  let live: string[] = [];
  let now = 0;
  let cursorGivenBack = 0;
  const ticks = new Set<() => void>();
  const view = tableProgress(
    {
      screen: () => ({ columns: 70, rows: 24, colour: false, unicode: true }),
      draw: (text) => {
        live = text.split("\n");
      },
      clear: () => {
        live = [];
      },
      persist: (text) => {
        live = [];
        kept.push(...text.split("\n"));
      },
      done: () => {
        cursorGivenBack += 1;
      },
    },
    {
      seconds: () => now,
      every: (_, tick) => {
        ticks.add(tick);
        return () => ticks.delete(tick);
      },
    },
  );
  const pass = (seconds: number) => {
    now += seconds;
    for (const tick of ticks) tick();
  };
  const print = (line: string) =>
    view.aside(() => (live.length > 0 ? kept.push(`over ${live.join()}`) : kept.push(line)));
  return { view, kept, live: () => live, ticks, pass, print, cursorGivenBack: () => cursorGivenBack };
}
const started = (step: string): ProgressEvent => ({ event: "started", step });
const finished = (step: string): ProgressEvent => ({
  event: "finished",
  step,
  wallSeconds: 2,
  userSeconds: 1,
  systemSeconds: 0.5,
});

test("running steps are redrawn below those that ended", () => {
  const { view, kept, live, pass } = setUp();
  view.report(started("root image"));
  view.report(started("initramfs"));
  pass(2);
  expect(live()).toEqual([`${frame(2)} root image       2.0 s`, `${frame(2)} initramfs        2.0 s`]);
  view.report(finished("initramfs"));
  expect(kept).toEqual(["✔ initramfs        2.0 s  CPU 1.5 s"]);
  expect(live()).toEqual([`${frame(2)} root image       2.0 s`]);
  view.report({ event: "failed", step: "root image", text: "no space" });
  expect(kept.slice(1)).toEqual(["✖ root image       2.0 s  no space"]);
  expect(live()).toEqual([]);
});

test("an action shows at the next frame, not at once: a busy step costs no more than a quiet one", () => {
  const { view, live, pass } = setUp();
  view.report(started("root"));
  const before = live();
  view.report({ event: "action", step: "root", text: "unpacking" });
  expect(live()).toBe(before);
  pass(0.125);
  expect(live()).toEqual([`${frame(0.125)} root             0.1 s  unpacking`]);
});

test("what others print comes between the ended and the running", () => {
  const { view, kept, live, print } = setUp();
  view.report(started("fetch"));
  print("hint");
  expect(kept).toEqual(["hint"]);
  expect(live()).toHaveLength(1);
});

test("with no step running a result follows the summary, which is said once", () => {
  const { view, kept, ticks, pass, print, cursorGivenBack } = setUp();
  view.report(started("root"));
  view.report(started("boot"));
  pass(3);
  view.report(finished("root"));
  view.report(finished("boot"));
  print("kernel: images/amd64/vmlinuz");
  print("more");
  view.close();
  expect(kept.slice(2)).toEqual(["  2 steps in 3.0 s", "kernel: images/amd64/vmlinuz", "more"]);
  expect(ticks.size).toBe(0);
  expect(cursorGivenBack()).toBe(1);
});

test("steps after a result are counted with those before", () => {
  const { view, kept, print } = setUp();
  view.report(finished("lock"));
  print("locked");
  view.report(finished("fetch"));
  view.close();
  expect(kept).toEqual([
    "✔ lock             2.0 s  CPU 1.5 s",
    "locked",
    "✔ fetch            2.0 s  CPU 1.5 s",
    "  2 steps in 2.0 s",
  ]);
});

test("closing says what was stopped and lets the terminal be", () => {
  const { view, kept, live, ticks, pass } = setUp();
  view.report(started("root"));
  view.report(started("initramfs"));
  pass(4);
  view.close();
  expect(kept).toEqual([
    "– root stopped after 4.0 s",
    "– initramfs stopped after 4.0 s",
    "  2 steps in 4.0 s, 2 stopped",
  ]);
  expect(live()).toEqual([]);
  expect(ticks.size).toBe(0);
});

test("a command without steps leaves the terminal alone", () => {
  const { view, kept, print, cursorGivenBack } = setUp();
  print("result");
  view.close();
  expect(kept).toEqual(["result"]);
  expect(cursorGivenBack()).toBe(0);
});

/** The spinner's frame at a time. */
const frame = (seconds: number): string => "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏".charAt(Math.floor(seconds * 8) % 10);

import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProgressEvent } from "../../../builders/contract/progress.ts";
import {
  cellsOf,
  liveLines,
  type Screen,
  shareDone,
  stepLine,
  stoppedLine,
  summaryLine,
  truncate,
} from "./progress-lines.ts";
import { afterEvent, type ProgressState } from "./progress-state.ts";

const wide: Screen = { columns: 100, rows: 24, colour: false, unicode: true };
const stateOf = (...events: readonly (readonly [number, ProgressEvent])[]): ProgressState =>
  events.reduce<ProgressState>((state, [now, event]) => afterEvent(state, event, now), []);

const bytes = { done: 12_582_912, total: 42_047_897, unit: "bytes" } as const;
const state = stateOf(
  [0, { event: "started", step: "fetch" }],
  [0, { event: "action", step: "fetch", text: "linux-image-amd64", ...bytes }],
  [2, { event: "started", step: "root" }],
  [2, { event: "action", step: "root", text: "mmdebstrap: setting up libc6 (2.41-12)" }],
  [3, { event: "started", step: "initramfs" }],
  [3, { event: "action", step: "initramfs", text: "dracut: installing modules", done: 4, total: 7 }],
  [3, { event: "action", step: "boot", text: "machines", done: 2 }],
);

test("the live table at 100 columns", () => {
  expect(liveLines(state, 65.25, wide)).toEqual([
    "⠹ fetch         1 m 05 s  █████░░░░░░░░░░░  29% 12.0 MiB / 40.1 MiB linux-image-amd64",
    "⠹ root          1 m 03 s  mmdebstrap: setting up libc6 (2.41-12)",
    "⠹ initramfs     1 m 02 s  █████████░░░░░░░  57% 4 / 7 dracut: installing modules",
    "⠹ boot          1 m 02 s  2 machines",
  ]);
});

test("at 60 columns the bar gives way", () => {
  expect(liveLines(state, 65.25, { ...wide, columns: 60 })).toEqual([
    "⠹ fetch         1 m 05 s   29% 12.0 MiB / 40.1 MiB linux-i…",
    "⠹ root          1 m 03 s  mmdebstrap: setting up libc6 (2.…",
    "⠹ initramfs     1 m 02 s   57% 4 / 7 dracut: installing mo…",
    "⠹ boot          1 m 02 s  2 machines",
  ]);
});

test("at 40 columns the share and what is left of the text stay", () => {
  expect(liveLines(state, 65.25, { ...wide, columns: 40 })).toEqual([
    "⠹ fetch         1 m 05 s   29% linux-i…",
    "⠹ root          1 m 03 s  mmdebstrap: …",
    "⠹ initramfs     1 m 02 s   57% 4 / 7 d…",
    "⠹ boot          1 m 02 s  2 machines",
  ]);
});

test("at 20 columns names and times stay", () => {
  expect(liveLines(state, 65.25, { ...wide, columns: 20 })).toEqual([
    "⠹ fetch    1 m 05 s",
    "⠹ root     1 m 03 s",
    "⠹ initra…  1 m 02 s",
    "⠹ boot     1 m 02 s",
  ]);
});

test("on a console without such letters", () => {
  expect(liveLines(state, 65.25, { ...wide, columns: 60, unicode: false })[0]).toBe(
    "- fetch         1 m 05 s   29% 12.0 MiB / 40.1 MiB linux-i~",
  );
});

test("on a terminal with few lines the rest is counted", () => {
  expect(liveLines(state, 65.25, { ...wide, rows: 4 })).toEqual([
    expect.stringContaining("fetch"),
    expect.stringContaining("root"),
    "  and 2 more",
  ]);
  expect(liveLines(state, 65.25, { ...wide, rows: 5 })).toHaveLength(4);
});

describe("an ended step", () => {
  const ended = stateOf(
    [0, { event: "started", step: "root" }],
    [
      9,
      {
        event: "finished",
        step: "root",
        wallSeconds: 9,
        userSeconds: 7,
        systemSeconds: 1.2,
        bytes: 731_000_000,
        text: "212 packages",
      },
    ],
    [9, { event: "failed", step: "boot", text: "no login" }],
  );
  const lines = (screen: Screen) => ended.map((row) => stepLine(row, ended, 1000, screen));

  test("says what it cost and made", () => {
    expect(lines(wide)).toEqual([
      "✔ root             9.0 s  CPU 8.2 s, 697.1 MiB  212 packages",
      "✖ boot             0.0 s  no login",
    ]);
  });
  test("says what it made where both do not fit", () => {
    expect(lines({ ...wide, columns: 40 })[0]).toBe("✔ root             9.0 s  697.1 MiB  2…");
  });
  test("is coloured where that is wanted", () => {
    expect(lines({ ...wide, colour: true })[1]?.startsWith("\u001b[31m✖\u001b[39m ")).toBe(true);
  });
});

test("a step whose command ended is stopped", () => {
  expect(state.map((row) => stoppedLine(row, 65.25, wide))[0]).toBe("– fetch stopped after 1 m 05 s");
});

test("the summary counts what failed and what was stopped, and is left out for one step", () => {
  const two = stateOf([1, { event: "started", step: "a" }], [2, { event: "failed", step: "b", text: "" }]);
  expect(summaryLine(two, 9, wide)).toBe("  2 steps in 8.0 s, 1 failed, 1 stopped");
  expect(summaryLine(two.slice(0, 1), 9, wide)).toBeUndefined();
});

test.each([
  ["日本", 4],
  ["abc", 3],
  ["e\u0301", 1],
  ["🚀", 2],
])("%s takes %i cells", (text, cells) => {
  expect(cellsOf(text)).toBe(cells);
});

test("a truncated text fits, and is whole if it can be", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat({ max: 20 }), (text, cells) => {
      const cut = truncate(text, cells);
      expect(cellsOf(cut)).toBeLessThanOrEqual(cells);
      if (cellsOf(text) <= cells) expect(cut).toBe(text);
      else if (cells > 0) expect(cut.endsWith("…")).toBe(true);
    }),
  );
});

test("a share is between 0 and 1, or unknown", () => {
  fc.assert(
    fc.property(fc.double(), fc.option(fc.double()), (done, total) => {
      const share = shareDone({ done: Number.isNaN(done) ? 0 : done, total, unit: "items" });
      if (share !== null) expect(share >= 0 && share <= 1).toBe(true);
    }),
  );
  expect(shareDone({ done: 5, total: 0, unit: "items" })).toBeNull();
});

test("no line reaches the last column or holds a line break, whatever the step says and however narrow the screen", () => {
  const screen = fc.record({
    columns: fc.integer({ min: 1, max: 200 }),
    rows: fc.integer({ min: 1, max: 50 }),
    colour: fc.boolean(),
    unicode: fc.boolean(),
  });
  const count = fc.record({
    done: fc.nat(),
    total: fc.nat(),
    unit: fc.constantFrom("bytes" as const, "items" as const),
  });
  const action = fc
    .tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), fc.option(count))
    .map(([name, text, counted]): ProgressEvent => ({ event: "action", step: name, text, ...counted }));
  fc.assert(
    fc.property(
      fc.array(action, { minLength: 1, maxLength: 5 }),
      fc.nat({ max: 100_000 }),
      screen,
      (events, now, size) => {
        const given = stateOf(...events.map((event) => [0, event] as const));
        const ended = stateOf(...events.map((event) => [0, { ...event, event: "failed", text: "x" }] as const));
        const lines = [
          ...liveLines(given, now, size),
          ...ended.map((row) => stepLine(row, ended, now, size)),
          ...given.map((row) => stoppedLine(row, now, size)),
          summaryLine(given, now, size) ?? "",
        ];
        for (const line of lines) {
          expect(line).not.toContain("\n");
          expect(cellsOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(Math.max(1, size.columns - 1));
        }
        expect(liveLines(given, now, size).length).toBeLessThanOrEqual(Math.max(1, size.rows - 1));
      },
    ),
  );
});

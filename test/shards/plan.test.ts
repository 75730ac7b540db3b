import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costOf, type Ending, fits, judge, planShards, type ShardState, summarize } from "./plan.ts";

const state = (
  name: string,
  inputsHash: string,
  last?: [hash: string, date: string, seconds?: number],
): ShardState => ({
  shard: { name, files: [], covers: [], costSeconds: 100 },
  inputsHash,
  last: last === undefined ? undefined : { inputsHash: last[0], date: last[1], seconds: last[2] ?? 40 },
});

const names = (states: readonly ShardState[]) => states.map(({ shard }) => shard.name);

const FRESH = state("fresh", "a", ["a", "2026-01-03T00:00:00.000Z"]);
const CHANGED = state("changed", "b", ["a", "2026-01-02T00:00:00.000Z"]);
const OLDEST = state("oldest", "b", ["a", "2026-01-01T00:00:00.000Z"]);
const NEVER = state("never", "a");

const anyState = fc
  .record({
    hash: fc.constantFrom("a", "b"),
    last: fc.option(fc.tuple(fc.constantFrom("a", "b"), fc.date({ noInvalidDate: true })), { nil: undefined }),
  })
  .map(({ hash, last }) => state("any", hash, last === undefined ? undefined : [last[0], last[1].toISOString()]));

describe("a plan", () => {
  test("leaves out what passed with the same inputs, and takes the stalest first", () => {
    const plan = planShards([FRESH, CHANGED, NEVER, OLDEST], false);
    expect(names(plan.cached)).toEqual(["fresh"]);
    expect(names(plan.due)).toEqual(["never", "oldest", "changed"]);
  });

  test("takes everything if all is asked for", () => {
    const plan = planShards([FRESH, CHANGED, NEVER], true);
    expect(plan.cached).toEqual([]);
    expect(names(plan.due)).toEqual(["never", "changed", "fresh"]);
  });

  test("holds each shard exactly once, cached only with its own hash, in order of age", () => {
    fc.assert(
      fc.property(fc.array(anyState), fc.boolean(), (states, all) => {
        const { cached, due } = planShards(states, all);
        expect(new Set([...cached, ...due])).toEqual(new Set(states));
        expect(cached.length + due.length).toBe(states.length);
        for (const { inputsHash, last } of cached) expect(last.inputsHash).toBe(inputsHash);
        if (!all) for (const { inputsHash, last } of due) expect(last?.inputsHash).not.toBe(inputsHash);
        const ages = due.map(({ last }) => (last === undefined ? Number.NEGATIVE_INFINITY : Date.parse(last.date)));
        expect(ages).toEqual(ages.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("the cost of a shard", () => {
  test("is what this machine measured, else what is declared", () => {
    expect(costOf(FRESH)).toBe(40);
    expect(costOf(NEVER)).toBe(100);
  });

  test("may use up the time that is left, not more", () => {
    expect(fits(NEVER, 100)).toBe(true);
    expect(fits(NEVER, 99.9)).toBe(false);
    expect(fits(NEVER, Number.POSITIVE_INFINITY)).toBe(true);
  });
});

describe("the ending of a run", () => {
  test.each([
    [{ exitCode: 0, stopped: false, seconds: 500 }, "passed"],
    [{ exitCode: 1, stopped: false, seconds: 1 }, "failed"],
    [{ exitCode: 137, stopped: false, seconds: 150 }, "failed"],
    [{ exitCode: 1, stopped: true, seconds: 200 }, "out of time"],
    [{ exitCode: 0, stopped: true, seconds: 150 }, "out of time"],
    [{ exitCode: 1, stopped: true, seconds: 200.1 }, "failed"],
  ] as const)("%o is %s", (run, ending) => {
    expect(judge(NEVER, run)).toBe(ending);
  });
});

describe("the last line", () => {
  test.each<[Ending[], string, number]>([
    [["passed", "cached", "out of time"], "1 passed, 0 failed, 2 skipped", 0],
    [["passed", "failed"], "1 passed, 1 failed, 0 skipped", 1],
    [["cached", "cached"], "0 passed, 0 failed, 2 skipped", 0],
    [["cached", "out of time"], "0 passed, 0 failed, 2 skipped", 0],
    [["out of time", "out of time"], "0 passed, 0 failed, 2 skipped", 1],
    [[], "0 passed, 0 failed, 0 skipped", 1],
  ])("of %j is %s, exit code %i", (endings, line, exitCode) => {
    expect(summarize(endings)).toEqual({ line, exitCode });
  });

  test("counts each shard once and is good only without failures and with something tested", () => {
    const ending = fc.constantFrom<Ending>("passed", "failed", "cached", "out of time");
    fc.assert(
      fc.property(fc.array(ending), (endings) => {
        const { line, exitCode } = summarize(endings);
        const numbers = [...line.matchAll(/\d+/g)].map(Number);
        expect(numbers.reduce((sum, value) => sum + value, 0)).toBe(endings.length);
        expect(numbers[0]).toBe(endings.filter((one) => one === "passed").length);
        const tested = endings.some((one) => one === "passed" || one === "cached");
        expect(exitCode === 0).toBe(tested && !endings.includes("failed"));
      }),
    );
  });
});

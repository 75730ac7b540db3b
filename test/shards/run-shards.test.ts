import { expect, test } from "vitest";
import { runShards, type ShardEffects, type ShardRun } from "./run-shards.ts";
import type { Shard, ShardResult } from "./shard.ts";

const HASH = "a".repeat(64);
const DATE = "2026-02-01T00:00:00.000Z";

const shard = (name: string, costSeconds = 100): Shard => ({ name, files: [], covers: [], costSeconds });
const result = (inputsHash: string, date = DATE, seconds = 100): ShardResult => ({ inputsHash, date, seconds });

/** A world where each run takes `seconds` and ends as told; records what was started, kept, forgotten and printed. */
function world(
  known: Record<string, ShardResult> = {},
  runs: Record<string, ShardRun & { seconds?: number }> = {},
  hashes: Iterator<string> = (function* () {
    for (;;) yield HASH;
  })(),
) {
  const results = new Map(Object.entries(known));
  const started: [string, number][] = [];
  const lines: string[] = [];
  let clock = 1000;
  const effects: ShardEffects = {
    results: {
      read: async (name) => results.get(name),
      keep: async (name, kept) => void results.set(name, kept),
      forget: async (name) => void results.delete(name),
    },
    inputsHash: async () => String(hashes.next().value),
    execute: async ({ name }, secondsLeft) => {
      started.push([name, secondsLeft]);
      const { seconds = 90, ...run } = runs[name] ?? { exitCode: 0, stopped: false };
      clock += seconds;
      return run;
    },
    seconds: () => clock,
    date: () => "2026-03-01T00:00:00.000Z",
    print: (line) => lines.push(line),
  };
  return { effects, results, started, lines };
}

const UNLIMITED = { all: false, budgetSeconds: Number.POSITIVE_INFINITY };

test("a shard that passes is kept with its hash, date and time", async () => {
  const { effects, results, lines } = world();
  expect(await runShards([shard("a")], UNLIMITED, effects)).toBe(0);
  expect(results.get("a")).toEqual(result(HASH, "2026-03-01T00:00:00.000Z", 90));
  expect(lines).toEqual(["a: passed after 90 s", "1 passed, 0 failed, 0 skipped"]);
});

test("a shard that passed with the same inputs does not run and says when it passed", async () => {
  const { effects, started, lines } = world({ a: result(HASH) });
  expect(await runShards([shard("a")], UNLIMITED, effects)).toBe(0);
  expect(started).toEqual([]);
  expect(lines).toEqual([`a: cached ${DATE} aaaaaaaaaaaa`, "0 passed, 0 failed, 1 skipped"]);
});

test("--all runs it all the same", async () => {
  const { effects, started } = world({ a: result(HASH) });
  expect(await runShards([shard("a")], { ...UNLIMITED, all: true }, effects)).toBe(0);
  expect(started).toHaveLength(1);
});

test("a failure is never kept and removes what passed before", async () => {
  const { effects, results, lines } = world({ a: result("b".repeat(64)) }, { a: { exitCode: 1, stopped: false } });
  expect(await runShards([shard("a")], UNLIMITED, effects)).toBe(1);
  expect(results.has("a")).toBe(false);
  expect(lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
});

test("a failure does not stop the shards after it", async () => {
  const { effects, started } = world({}, { a: { exitCode: 1, stopped: false } });
  expect(await runShards([shard("a"), shard("b")], UNLIMITED, effects)).toBe(1);
  expect(started.map(([name]) => name)).toEqual(["a", "b"]);
});

test("the budget counts what ran before; a shard that does not fit is out of time, a shorter one still runs", async () => {
  const { effects, started, lines } = world();
  const shards = [shard("a", 100), shard("b", 100), shard("c", 20)];
  expect(await runShards(shards, { all: false, budgetSeconds: 150 }, effects)).toBe(0);
  expect(started).toEqual([
    ["a", 150],
    ["c", 60],
  ]);
  expect(lines[1]).toBe("b: out of time (needs 100 s, 60 s are left)");
  expect(lines.at(-1)).toBe("2 passed, 0 failed, 1 skipped");
});

test("the cost measured here decides, not the declared one", async () => {
  const { effects, started } = world({ a: result("b".repeat(64), DATE, 500) });
  expect(await runShards([shard("a", 10)], { all: false, budgetSeconds: 400 }, effects)).toBe(1);
  expect(started).toEqual([]);
});

test("a shard that was stopped keeps its older result and is out of time", async () => {
  const older = result("b".repeat(64));
  const { effects, results, lines } = world({ a: older }, { a: { exitCode: 1, stopped: true, seconds: 150 } });
  expect(await runShards([shard("a")], { all: false, budgetSeconds: 150 }, effects)).toBe(1);
  expect(results.get("a")).toEqual(older);
  expect(lines).toEqual([
    "a: out of time after 150 s, stopped: the budget is over (known to need 100 s)",
    "0 passed, 0 failed, 1 skipped",
  ]);
});

test("a shard that was stopped after more than twice its cost has failed", async () => {
  const { effects, lines } = world({}, { a: { exitCode: 1, stopped: true, seconds: 201 } });
  expect(await runShards([shard("a")], { all: false, budgetSeconds: 200 }, effects)).toBe(1);
  expect(lines.at(-1)).toBe("0 passed, 1 failed, 0 skipped");
});

test("a pass is not kept if the inputs changed while it ran", async () => {
  const { effects, results } = world({}, {}, [HASH, "b".repeat(64)].values());
  expect(await runShards([shard("a")], UNLIMITED, effects)).toBe(0);
  expect(results.has("a")).toBe(false);
});

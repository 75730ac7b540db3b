import type { Shard, ShardResult } from "./shard.ts";

/** A shard with the hash of its present inputs and its last passed run, if any. */
export type ShardState = {
  readonly shard: Shard;
  readonly inputsHash: string;
  readonly last: ShardResult | undefined;
};

export type Plan = {
  /** passed before with the same inputs: not run again */
  readonly cached: readonly (ShardState & { readonly last: ShardResult })[];
  /** to run, in this order: never passed first, then those that passed longest ago */
  readonly due: readonly ShardState[];
};

const isCached = (state: ShardState): state is ShardState & { readonly last: ShardResult } =>
  state.last?.inputsHash === state.inputsHash;

/** Milliseconds since 1970 of the last pass; before all dates if there was none. */
const passedAt = ({ last }: ShardState): number =>
  last === undefined ? Number.NEGATIVE_INFINITY : Date.parse(last.date);

const byStaleness = (a: ShardState, b: ShardState): number =>
  Number(passedAt(a) > passedAt(b)) - Number(passedAt(a) < passedAt(b));

/** What to run and in which order. `all` runs everything afresh, whatever passed before. */
export function planShards(states: readonly ShardState[], all: boolean): Plan {
  return {
    cached: all ? [] : states.filter(isCached),
    due: states.filter((state) => all || !isCached(state)).toSorted(byStaleness),
  };
}

/** Seconds that a shard is expected to take: as measured on this machine, else as declared. */
export const costOf = (state: ShardState): number => state.last?.seconds ?? state.shard.costSeconds;

/** Whether a shard may start with this many seconds left. */
export const fits = (state: ShardState, secondsLeft: number): boolean => costOf(state) <= secondsLeft;

/** How one shard ended. `out of time` never started, or was stopped before it had twice the time it is known to need. */
export type Ending = "passed" | "failed" | "cached" | "out of time";

/**
 * How a shard ended that ran for `seconds`. One that is stopped by the end of the budget only ran out of time; past
 * twice its cost it hangs or its cost is wrong, which is a failure, or it would be skipped for ever.
 */
export function judge(state: ShardState, run: { exitCode: number; stopped: boolean; seconds: number }): Ending {
  if (run.stopped) return run.seconds > 2 * costOf(state) ? "failed" : "out of time";
  return run.exitCode === 0 ? "passed" : "failed";
}

/**
 * The plain last line and the exit code. What did not run now counts as skipped, never as passed; a run that neither
 * ran nor found anything tested is a failure.
 */
export function summarize(endings: readonly Ending[]): { line: string; exitCode: 0 | 1 } {
  const count = (...kinds: Ending[]) => endings.filter((ending) => kinds.includes(ending)).length;
  const failed = count("failed");
  const nothing = count("passed", "failed", "cached") === 0;
  return {
    line: `${count("passed")} passed, ${failed} failed, ${count("cached", "out of time")} skipped`,
    exitCode: failed > 0 || nothing ? 1 : 0,
  };
}

import { costOf, type Ending, fits, judge, planShards, type ShardState, summarize } from "./plan.ts";
import type { ResultStore } from "./results.ts";
import type { Shard } from "./shard.ts";

/** How the tests of a shard ended. `stopped`: they were ended because the time was over. */
export type ShardRun = { readonly exitCode: number; readonly stopped: boolean };

/** What running shards needs of the world. */
export type ShardEffects = {
  readonly results: ResultStore;
  readonly inputsHash: (shard: Shard) => Promise<string>;
  /** runs the tests of a shard, for at most `secondsLeft` */
  readonly execute: (shard: Shard, secondsLeft: number) => Promise<ShardRun>;
  /** seconds of a clock that never goes back */
  readonly seconds: () => number;
  /** the date and time, ISO 8601 in UTC */
  readonly date: () => string;
  readonly print: (line: string) => void;
};

export type ShardOptions = {
  /** everything afresh */
  readonly all: boolean;
  /** Infinity for no limit */
  readonly budgetSeconds: number;
};

const short = (hash: string): string => hash.slice(0, 12);

async function runShard(state: ShardState, secondsLeft: number, effects: ShardEffects): Promise<Ending> {
  const { shard, inputsHash } = state;
  const started = effects.seconds();
  const run = await effects.execute(shard, secondsLeft);
  const seconds = effects.seconds() - started;
  const ending = judge(state, { ...run, seconds });
  // inputs that changed meanwhile: nobody can say what was tested
  const unchanged = (await effects.inputsHash(shard)) === inputsHash;
  if (ending === "passed" && unchanged) {
    await effects.results.keep(shard.name, { inputsHash, date: effects.date(), seconds: Math.ceil(seconds) });
  } else if (ending === "failed") {
    await effects.results.forget(shard.name);
  }
  const why = run.stopped ? `, stopped: the budget is over (known to need ${costOf(state)} s)` : "";
  effects.print(`${shard.name}: ${ending} after ${Math.round(seconds)} s${why}`);
  return ending;
}

/** Runs the shards that are due and reports each in one line, counts last. @returns the exit code */
export async function runShards(
  shards: readonly Shard[],
  options: ShardOptions,
  effects: ShardEffects,
): Promise<0 | 1> {
  const started = effects.seconds();
  const states: ShardState[] = [];
  for (const shard of shards) {
    states.push({ shard, inputsHash: await effects.inputsHash(shard), last: await effects.results.read(shard.name) });
  }
  const plan = planShards(states, options.all);
  const endings: Ending[] = [];
  for (const { shard, last } of plan.cached) {
    effects.print(`${shard.name}: cached ${last.date} ${short(last.inputsHash)}`);
    endings.push("cached");
  }
  for (const state of plan.due) {
    const secondsLeft = options.budgetSeconds - (effects.seconds() - started);
    if (fits(state, secondsLeft)) {
      endings.push(await runShard(state, secondsLeft, effects));
    } else {
      const left = Math.max(0, Math.floor(secondsLeft));
      effects.print(`${state.shard.name}: out of time (needs ${costOf(state)} s, ${left} s are left)`);
      endings.push("out of time");
    }
  }
  const { line, exitCode } = summarize(endings);
  effects.print(line);
  return exitCode;
}

import type { InputsArchive } from "../../domain/inputs-archive.ts";
import type { ArchPlan } from "../../domain/plan.ts";
import type { JobRunner } from "../../ports/job-runner.ts";

/** What builds and boots one release by Jobs, and what keeps its inputs. */
export type ReleaseRunner = {
  readonly runner: JobRunner;
  readonly archiveInputs: (of: ArchPlan, archive: InputsArchive, signal: AbortSignal) => Promise<void>;
};

/** A runner that holds the release in the cluster before its first Job is made; once is enough. */
export function heldRunner(
  { runner, archiveInputs }: ReleaseRunner,
  hold: (signal: AbortSignal) => Promise<void>,
): ReleaseRunner {
  let held: Promise<void> | undefined;
  const first = (signal: AbortSignal): Promise<void> => {
    held ??= hold(signal).catch((error: unknown) => {
      held = undefined; // what failed is asked again
      throw error;
    });
    return held;
  };
  return {
    runner: {
      ...runner,
      build: async (job, signal) => {
        await first(signal);
        return runner.build(job, signal);
      },
      boot: async (job, signal) => {
        await first(signal);
        return runner.boot(job, signal);
      },
    },
    archiveInputs: async (of, archive, signal) => {
      await first(signal);
      await archiveInputs(of, archive, signal);
    },
  };
}

import type { Action } from "../action.ts";
import { onItsWay, reached, type Step } from "../step.ts";

/** All runs of all architectures, side by side. Of runs that were found to be the same only the first must be there. */
export const build: Step = ({ arches }) => {
  const wanted = arches.map(({ arch, runs, finished, verdict }) => {
    const numbers = Array.from({ length: verdict === "Reproduced" ? 1 : runs }, (_, index) => index + 1);
    return { arch, numbers, missing: numbers.filter((run) => !finished.has(run)) };
  });
  const actions = wanted.flatMap(({ arch, missing }) => missing.map((run): Action => ({ kind: "build", arch, run })));
  const all = arches.reduce((sum, { runs }) => sum + runs, 0);
  if (actions.length === 0) return reached("Succeeded", `${all} runs`);
  return onItsWay("Running", `${all - actions.length} of ${all} runs are finished`, actions);
};

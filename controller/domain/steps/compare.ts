import type { Action } from "../action.ts";
import type { ArchObservation, Observed } from "../observed.ts";
import { onItsWay, reached, type Step, stopped } from "../step.ts";

const furtherRuns = ({ finished }: ArchObservation): number[] => [...finished].filter((run) => run > 1);

/** The bytes of further runs are not needed once they are known to be the first one's. */
const discards = ({ arches, keepRuns }: Observed): Action[] =>
  keepRuns
    ? []
    : arches
        .filter(({ verdict }) => verdict === "Reproduced")
        .flatMap((one) => furtherRuns(one).map((run): Action => ({ kind: "discard", arch: one.arch, run })));

/** Each architecture is compared as soon as all its runs are there. Whatever differs ends the release. */
export const compare: Step = (observed) => {
  const { arches, gate } = observed;
  const mismatch = arches.find(({ verdict }) => verdict === "ManifestMismatch");
  if (mismatch !== undefined) {
    return stopped("NotReproducible", {
      code: "ManifestMismatch",
      message: `a run's manifest for ${mismatch.arch} is not true of its files`,
      remedy: "a builder that misdescribes what it made is broken or hostile: find out which before a new run",
    });
  }
  const different = arches.find(({ verdict }) => verdict === "NotReproducible");
  if (different !== undefined) {
    const message = `the runs for ${different.arch} differ`;
    const remedy = "read comparison.txt; nothing is signed or published, and the bytes of all runs are kept";
    return stopped(gate.reproducibility === "Report" ? "ReportOnly" : "NotReproducible", {
      ...{ code: "NotReproducible", message, remedy },
    });
  }
  const due = arches.filter(
    ({ verdict, runs, finished }) =>
      verdict === null && Array.from({ length: runs }, (_, index) => index + 1).every((run) => finished.has(run)),
  );
  const actions = due.map(({ arch }): Action => ({ kind: "compare", arch }));
  if (arches.every(({ verdict }) => verdict === "Reproduced")) {
    return reached("AllEqual", "all runs are the same to the byte", discards(observed));
  }
  return onItsWay("Comparing", "not all runs are compared", [...actions, ...discards(observed)]);
};

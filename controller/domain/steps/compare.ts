import type { Action } from "../action.ts";
import type { ArchObservation, Observed } from "../observed.ts";
import { failed, onItsWay, reached, type Step } from "../step.ts";
import { verdict } from "../verdict.ts";

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
    const message = `${mismatch.arch}: ${mismatch.fault ?? "a run's manifest is not true of its files"}`;
    return failed("NotReproducible", verdict("Reproducible", "ManifestMismatch", message));
  }
  const different = arches.find(({ verdict }) => verdict === "NotReproducible");
  if (different !== undefined) {
    const message = `${different.arch}: ${different.fault ?? "its runs differ"}`;
    const reason = gate.reproducibility === "Report" ? "ReportOnly" : "NotReproducible";
    return failed(reason, verdict("Reproducible", "NotReproducible", message));
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

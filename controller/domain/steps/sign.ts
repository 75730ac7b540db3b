import type { Action } from "../action.ts";
import { onItsWay, reached, type Step } from "../step.ts";
import { documentsFor } from "../target.ts";

/** Nothing is signed that was not reproduced and booted, as far as the gate asks for it. */
export const sign: Step = ({ targets, arches, gate }, passed) => {
  if (!(["Locked", "Reproducible", "Verified"] as const).every(passed)) {
    return onItsWay("Signing", "waits until all is reproduced and booted");
  }
  const actions = targets.flatMap((target): Action[] => {
    const { arch, variant } = target;
    if (!target.staged) return [{ kind: "stage", target: { arch, variant } }];
    const runs = arches.find((one) => one.arch === arch)?.runs ?? 0;
    return documentsFor(target, { runs, booted: gate.bootWanted })
      .filter((document) => !target.documents.has(document))
      .map((document): Action => ({ kind: "sign", target: { arch, variant }, document }));
  });
  if (actions.length === 0) return reached("Verified", "every artifact is signed");
  return onItsWay("Signing", `${actions.length} things are to be stored or signed`, actions);
};

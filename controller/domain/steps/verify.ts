import { type Action, actionKey } from "../action.ts";
import { bootName, bootPlan } from "../boot-plan.ts";
import type { Observed } from "../observed.ts";
import { failed, onItsWay, reached, type Step, type StepResult, stopped } from "../step.ts";
import { verdict } from "../verdict.ts";

type BootAction = Extract<Action, { kind: "boot" }>;

/** Every boot of the release whose artifacts are there, with its outcome if it ended. */
function boots({ arches }: Observed) {
  return arches.flatMap((one) =>
    bootPlan(one.variants, one.arch).map((boot) => ({
      action: { kind: "boot", arch: one.arch, boot } satisfies BootAction,
      name: `${one.arch} ${bootName(boot)}`,
      ended: one.boots.get(bootName(boot)),
      possible: one.finished.has(1),
    })),
  );
}

/** Boots are left out: nothing is published then unless the class only reports them. */
const leftOut = ({ gate }: Observed): StepResult => {
  const message = "boots were left out";
  if (gate.boot === "Report") {
    return reached("NotRun", message);
  }
  const remedy = "run it again without --no-boot: the class publishes only what booted";
  return stopped("NotRun", { code: "VerificationFailed", message, remedy });
};

/** Each artifact is booted as its users would, a few at a time, from the first run as soon as that is finished. */
export const verify: Step = (observed, passed) => {
  const { gate, running, parallelBoots } = observed;
  // the other runs go on: that they are the same is worth knowing
  if (!gate.bootWanted) return passed("Reproducible") ? leftOut(observed) : onItsWay(null, "boots are left out");
  const all = boots(observed);
  const open = all.filter(({ ended }) => ended === undefined);
  if (open.length > 0) {
    const underWay = open.filter(({ action }) => running.has(actionKey(action)));
    const due = open.filter(({ action, possible }) => possible && !running.has(actionKey(action)));
    const actions = due.slice(0, Math.max(0, parallelBoots - underWay.length)).map(({ action }) => action);
    const message = `${all.length - open.length} of ${all.length} boots ended`;
    return onItsWay(null, message, [...underWay.map(({ action }) => action), ...actions]);
  }
  const wrong = all.find(({ ended }) => ended?.passed === false);
  if (wrong === undefined) return reached("Passed", `${all.length} boots passed`);
  const message = `${wrong.name} did not boot: ${wrong.ended?.reason ?? ""}`;
  if (gate.boot === "Report") {
    return reached("VerificationFailed", message);
  }
  return failed("VerificationFailed", verdict("Verified", "VerificationFailed", message));
};

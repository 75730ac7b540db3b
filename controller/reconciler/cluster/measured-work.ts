import type { Action } from "../../domain/action.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { failureAt, stepOf } from "../../domain/step-fault.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControllerMetrics } from "../../ports/controller-metrics.ts";
import type { ReleaseWork } from "../reconcile.ts";

export type Measures = {
  readonly metrics: Pick<
    ControllerMetrics,
    "stepEnded" | "stepFailed" | "buildAttempted" | "compared" | "signed" | "published"
  >;
  readonly clock: Pick<Clock, "monotonic">;
  /** how the class signs */
  readonly signing: string;
};

/** Labels of what an action is about; empty for what is about no one architecture or variant. */
function aboutOf(action: Action): { readonly variant: string; readonly arch: string } {
  if ("target" in action) return action.target;
  if (action.kind === "boot") return { variant: action.boot.variant, arch: action.arch };
  return { variant: "", arch: "arch" in action ? action.arch : "" };
}

/** A release's work whose actions are timed and counted, verdicts once they are seen. What was told to stop did not fail. */
export function measuredWork(work: ReleaseWork, { metrics, clock, signing }: Measures): ReleaseWork {
  /** arches that were compared here, and whose verdict was not observed yet */
  const compared = new Set<string>();

  function count(action: Action, result: "success" | "failure"): void {
    if (action.kind === "build") metrics.buildAttempted({ variant: "", arch: action.arch, result });
    if (action.kind === "sign") metrics.signed({ mode: signing, result });
    if (action.kind === "tag") metrics.published({ backend: "oci", result });
  }

  return {
    observe: async (running) => {
      const observed = await work.observe(running);
      for (const { arch, verdict } of observed.arches) {
        if (verdict !== null && compared.delete(arch)) metrics.compared({ result: verdict, variant: "", arch });
      }
      return observed;
    },
    act: async (action, signal) => {
      const step = stepOf(action);
      const { variant, arch } = aboutOf(action);
      const begun = clock.monotonic();
      try {
        await work.act(action, signal);
      } catch (fault) {
        if (!signal.aborted) {
          const bug = { class: "Permanent", reason: "Internal" };
          const failure = fault instanceof ReleaseError ? failureAt(step, fault) : bug;
          metrics.stepFailed({ step, class: failure.class, reason: failure.reason });
          count(action, "failure");
        }
        throw fault;
      }
      metrics.stepEnded({ step, variant, arch }, (clock.monotonic() - begun) / 1000);
      count(action, "success");
      if (action.kind === "compare") compared.add(action.arch);
    },
  };
}

import type { Action } from "../../domain/action.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { failureOf, stepOf } from "../../domain/step-fault.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControllerMetrics } from "../../ports/controller-metrics.ts";
import type { ReleaseWork } from "../reconcile.ts";

/** What an action is about. A run makes all variants of its architecture, and so does a comparison look at all. */
function about(action: Action): { readonly arch: string; readonly variant: string } {
  if ("target" in action) return { arch: action.target.arch, variant: action.target.variant };
  if (action.kind === "boot") return { arch: action.arch, variant: action.boot.variant };
  return { arch: "arch" in action ? action.arch : "all", variant: "all" };
}

type Counts = Pick<
  ControllerMetrics,
  "stepEnded" | "stepFailed" | "buildAttempted" | "compared" | "signed" | "published"
>;

/** A release's work, counted and timed (release-api.md 5). What an interruption ended is neither. */
export function measuredWork(work: ReleaseWork, metrics: Counts, clock: Pick<Clock, "monotonic">): ReleaseWork {
  /** architectures whose runs were compared, and nobody said yet with what result */
  const compared = new Set<string>();
  const ended = (action: Action, result: "succeeded" | "failed"): void => {
    const { arch, variant } = about(action);
    if (action.kind === "build") metrics.buildAttempted({ variant, arch, result });
    if (action.kind === "sign") metrics.signed({ mode: "key", result });
    if (action.kind === "tag") metrics.published({ backend: "oci", result });
  };
  return {
    observe: async (running) => {
      const observed = await work.observe(running);
      for (const { arch, verdict } of observed.arches) {
        if (verdict !== null && compared.delete(arch)) metrics.compared({ result: verdict, variant: "all", arch });
      }
      return observed;
    },
    act: async (action, signal) => {
      const started = clock.monotonic();
      try {
        await work.act(action, signal);
      } catch (fault) {
        if (signal.aborted || !(fault instanceof ReleaseError) || fault.code === "LeaseLost") throw fault;
        const { step, class: of, reason } = failureOf(action, fault);
        metrics.stepFailed({ step, class: of, reason });
        ended(action, "failed");
        throw fault;
      }
      if (action.kind === "compare") compared.add(action.arch);
      metrics.stepEnded({ step: stepOf(action), ...about(action) }, (clock.monotonic() - started) / 1000);
      ended(action, "succeeded");
    },
  };
}

import type { Action } from "./action.ts";
import type { Observed } from "./observed.ts";
import type { StepType } from "./conditions.ts";
import type { Step } from "./step.ts";
import { admit } from "./steps/admit.ts";
import { build } from "./steps/build.ts";
import { compare } from "./steps/compare.ts";
import { lock } from "./steps/lock.ts";
import { notify } from "./steps/notify.ts";
import { publish } from "./steps/publish.ts";
import { record } from "./steps/record.ts";
import { sign } from "./steps/sign.ts";
import { verify } from "./steps/verify.ts";
import { type Failure, type Stop, stopOf } from "./verdict.ts";

/** The steps of a release, in order; each decides for itself what it needs of the earlier ones. */
const STEPS: readonly (readonly [StepType, Step])[] = [
  ["Admitted", admit],
  ["Locked", lock],
  ["Built", build],
  ["Reproducible", compare],
  ["Verified", verify],
  ["Signed", sign],
  ["Published", publish],
  ["Notified", notify],
  ["Recorded", record],
];

/** What a step's condition is to be; its reason decides the status. */
export type DecidedCondition = { readonly type: StepType; readonly reason: string; readonly message: string };

export type Decision = {
  /** of the steps that were reached; later ones are unknown */
  readonly conditions: readonly DecidedCondition[];
  /** what to do now, side by side; some of it may be under way. Empty at the end */
  readonly actions: readonly Action[];
  /** `working` until nothing is left to do */
  readonly outcome:
    | { readonly kind: "working" }
    | { readonly kind: "recorded" }
    | ({ readonly kind: "stopped" } & Stop);
};

/** A recorded verdict stays: the same failure again, and nothing to do. */
function adoptVerdict(commit: string, failure: Failure): Decision {
  const { step, message } = failure;
  const reason = step === "Verified" ? "VerificationFailed" : "NotReproducible";
  return {
    conditions: [
      { type: "Admitted", reason: "Adopted", message: `recorded in ${commit}` },
      { type: step, reason, message },
      { type: "Recorded", reason: "Pushed", message: `recorded in ${commit}` },
    ],
    actions: [],
    outcome: { kind: "stopped", ...stopOf(failure) },
  };
}

/**
 * What a release needs next (architecture.md, "One release, step by step"). Pure: the same observation gives the same
 * decision, and an action whose effect is observed is never decided again.
 */
export function decide(observed: Observed): Decision {
  const { record: recorded, specDigest } = observed;
  if (recorded.kind === "failed" && recorded.specDigest === specDigest) {
    return adoptVerdict(recorded.commit, recorded.failure);
  }
  const conditions: DecidedCondition[] = [];
  const actions: Action[] = [];
  const cleanup: Action[] = [];
  const passed = new Set<StepType>();
  const adopted = recorded.kind === "recorded" && recorded.specDigest === specDigest;
  for (const [type, step] of STEPS) {
    if (adopted && type !== "Admitted" && type !== "Recorded") continue; // the record says all of it
    const result = step(observed, (earlier) => passed.has(earlier));
    const { reason, message, stop, failure } = result;
    if (reason !== null) conditions.push({ type, reason, message });
    if (stop !== null) {
      const recording: Action[] = failure === null ? [] : [{ kind: "record", failure }];
      return { conditions, actions: [...cleanup, ...recording], outcome: { kind: "stopped", ...stop } };
    }
    actions.push(...result.actions);
    if (!result.passed) continue;
    passed.add(type);
    cleanup.push(...result.actions); // what a finished step leaves to do is no work on the release
  }
  return { conditions, actions, outcome: passed.has("Recorded") ? { kind: "recorded" } : { kind: "working" } };
}

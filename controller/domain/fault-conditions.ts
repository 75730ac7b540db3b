import type { Action } from "./action.ts";
import { clearCondition, type Condition, type ConditionUpdate, setCondition, type StepType } from "./conditions.ts";
import type { FaultCode, FaultKind } from "./errors.ts";
import { timestamp } from "./timestamp.ts";

/** The step that an action belongs to. */
export function stepOf(action: Action): StepType {
  switch (action.kind) {
    case "archive-inputs":
      return "Locked";
    case "build":
      return "Built";
    case "compare":
    case "discard":
      return "Reproducible";
    case "boot":
      return "Verified";
    case "stage":
    case "sign":
      return "Signed";
    case "publish":
    case "tag":
      return "Published";
    case "record":
      return "Recorded";
  }
}

/** What a step calls a fault: by its code, or what it is called if the step has no name of its own for it. */
const REASONS = {
  Admitted: { codes: { VersionReused: "VersionReused", SignatureInvalid: "SignatureInvalid" }, other: "NotFromGit" },
  Locked: {
    codes: { StaleLock: "StaleLock", InputDigestMismatch: "InputDigestMismatch" },
    other: "InputMissing",
  },
  Built: {
    codes: { InputMissing: "InputMissing", ToolMissing: "InputMissing", InputDigestMismatch: "InputDigestMismatch" },
    other: "BuildFailed",
  },
  Reproducible: { codes: {}, other: "NotReproducible" },
  Verified: { codes: {}, other: "VerificationFailed" },
  Signed: { codes: { SignatureInvalid: "IdentityMismatch" }, other: "SignerUnavailable" },
  Published: {
    codes: { TagConflict: "TagConflict", Unauthorized: "Unauthorized" },
    other: "RegistryUnavailable",
  },
  Notified: { codes: { Unauthorized: "Rejected" }, other: "Unreachable" },
  Recorded: { codes: { PushDeclined: "PushDeclined", Unauthorized: "PushDeclined" }, other: "PushConflict" },
} as const satisfies Record<StepType, { codes: Partial<Record<FaultCode, string>>; other: string }>;

/** What went wrong in a step. */
export type StepFault = {
  readonly step: StepType;
  readonly code: FaultCode;
  readonly kind: FaultKind;
  /** one line, the same as long as the fault is */
  readonly message: string;
};

/** The reason that a step's condition gets for a fault. */
export function reasonOf(step: StepType, code: FaultCode): string {
  const { codes, other }: { codes: Partial<Record<FaultCode, string>>; other: string } = REASONS[step];
  return codes[code] ?? other;
}

/**
 * The conditions after a fault, as kstatus reads them. With a time of the next try the release is still under way;
 * without one a person is needed: it is stalled. A fault that passes gives its step no verdict: that stays open.
 * @param generation metadata.generation of the object
 */
export function withFault(
  conditions: readonly Condition[],
  { step, code, message }: StepFault,
  retryAt: Date | null,
  generation: number,
  now: Date,
): Condition[] {
  const reason = reasonOf(step, code);
  const set = (all: readonly Condition[], type: string, why: string, says: string) =>
    setCondition(all, { type, reason: why, message: says, observedGeneration: generation } as ConditionUpdate, now);
  if (retryAt !== null) {
    const says = `${message}; tried again at ${timestamp(retryAt)}`;
    const ready = set(clearCondition(conditions, "Stalled"), "Ready", "ProgressingWithRetry", says);
    return set(ready, "Reconciling", "ProgressingWithRetry", says);
  }
  const told = set(clearCondition(conditions, "Reconciling"), step, reason, message);
  return set(set(told, "Ready", reason, message), "Stalled", reason, message);
}

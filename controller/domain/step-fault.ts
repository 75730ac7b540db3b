import { BuildError } from "../../builders/contract/build-failure.ts";
import type { Action } from "./action.ts";
import type { StepType } from "./conditions.ts";
import type { FaultCode, ReleaseError } from "./errors.ts";
import { oneLine } from "./format.ts";
import { type Failure, LOG_TAIL, MESSAGE } from "./release-status.ts";
import { targetName } from "./target.ts";

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
    codes: {
      ...{ InputMissing: "InputMissing", ToolMissing: "InputMissing", InputDigestMismatch: "InputDigestMismatch" },
      ...{ OOMKilled: "OOMKilled", DeadlineExceeded: "DeadlineExceeded" },
      ...{ Evicted: "Evicted", ImagePullFailed: "ImagePullFailed" },
    },
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

/** The reason that a step's condition gets for a fault. */
export function reasonOf(step: StepType, code: FaultCode): string {
  const { codes, other }: { codes: Partial<Record<FaultCode, string>>; other: string } = REASONS[step];
  return codes[code] ?? other;
}

const CLASSES = { transient: "Transient", resource: "Resource", permanent: "Permanent", verdict: "Verdict" } as const;

/**
 * What a fault in a step is in the status of its release.
 * @param reason where the step calls the same fault by more than one name
 */
export function failureAt(
  step: StepType,
  { code, kind, message, remedy, cause }: ReleaseError,
  reason = reasonOf(step, code),
): Failure {
  const text = kind === "transient" || kind === "resource" ? message : `${message} (${remedy})`;
  const logTail = cause instanceof BuildError ? cause.failure.logTail : "";
  return {
    ...{ step, class: CLASSES[kind], reason, message: oneLine(text).slice(0, MESSAGE) },
    ...(logTail === "" ? {} : { logTail: logTail.slice(-LOG_TAIL) }),
  };
}

/** The same for a fault of an action, with the target that it is about. */
export const failureOf = (action: Action, fault: ReleaseError): Failure => ({
  ...failureAt(stepOf(action), fault),
  ...("target" in action ? { target: targetName(action.target) } : {}),
});

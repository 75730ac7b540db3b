import type { Arch } from "../../builders/contract/variant.ts";
import { bootName, type PlannedBoot } from "./boot-plan.ts";
import type { Failure } from "./verdict.ts";
import { type DocumentName, type TargetRef, targetName } from "./target.ts";

/** One effect that a release needs next. Doing it twice does no harm. */
export type Action =
  /** push every input by digest, so that a rebuild needs no archive */
  | { readonly kind: "archive-inputs" }
  | { readonly kind: "build"; readonly arch: Arch; readonly run: number }
  | { readonly kind: "compare"; readonly arch: Arch }
  /** remove the bytes of a further run that is the same as the first */
  | { readonly kind: "discard"; readonly arch: Arch; readonly run: number }
  | { readonly kind: "boot"; readonly arch: Arch; readonly boot: PlannedBoot }
  /** push a target's files by digest, and the manifest that signatures are attached to */
  | { readonly kind: "stage"; readonly target: TargetRef }
  | { readonly kind: "sign"; readonly target: TargetRef; readonly document: DocumentName }
  /** push the manifest that users pull, by digest */
  | { readonly kind: "publish"; readonly target: TargetRef }
  | { readonly kind: "tag"; readonly target: TargetRef }
  /** write how the release ended: published, or failed for ever */
  | { readonly kind: "record"; readonly failure: Failure | null };

/** What tells one action from another: the same work has the same key, whoever decides it and when. */
export function actionKey(action: Action): string {
  switch (action.kind) {
    case "archive-inputs":
    case "record":
      return action.kind;
    case "build":
    case "discard":
      return `${action.kind} ${action.arch} run ${action.run}`;
    case "compare":
      return `compare ${action.arch}`;
    case "boot":
      return `boot ${action.arch} ${bootName(action.boot)}`;
    case "sign":
      return `sign ${targetName(action.target)} ${action.document}`;
    case "stage":
    case "publish":
    case "tag":
      return `${action.kind} ${targetName(action.target)}`;
  }
}

import type { ClusterSource } from "./cluster-objects.ts";
import type { FaultKind } from "./errors.ts";
import { MOST_FILE_ERRORS, type SourceStatus } from "./source-status.ts";
import type { SyncProblem } from "./source-sync.ts";
import { timestamp } from "./timestamp.ts";

/** What one look at a source's branch came to. */
export type SourceLook =
  | {
      readonly kind: "read";
      readonly commit: string | null;
      readonly problems: readonly (Pick<SyncProblem, "name" | "message"> & { readonly reason: string })[];
    }
  | { readonly kind: "suspended" }
  | { readonly kind: "failed"; readonly fault: FaultKind; readonly reason: string; readonly message: string };

type Condition = NonNullable<SourceStatus["conditions"]>[number];

/** Characters of an error, by the schema. */
const MESSAGE = 1024;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Ready, and what else kstatus wants to know of a source. */
function conditionsOf(look: SourceLook): Pick<Condition, "type" | "status" | "reason" | "message">[] {
  switch (look.kind) {
    case "suspended":
      return [{ type: "Ready", status: "False", reason: "Suspended", message: "spec.suspend: nothing is read" }];
    case "read": {
      const { commit, problems } = look;
      const at = commit === null ? "the branch has no commit yet" : `read ${commit}`;
      if (problems.length === 0) return [{ type: "Ready", status: "True", reason: "Succeeded", message: at }];
      const message = `${at}; ${counted(problems.length, "folder")} cannot be released, see errors`;
      // the others are followed: one wrong folder is its author's matter, and stands in errors
      return [{ type: "Ready", status: "True", reason: "SomeInvalid", message }];
    }
    case "failed": {
      const { fault, reason, message } = look;
      const ready = { type: "Ready", status: "False", reason, message } as const;
      const passes = fault === "transient" || fault === "resource";
      return [ready, { type: passes ? "Reconciling" : "Stalled", status: "True", reason, message }];
    }
  }
}

/** The status of a source after a look at its branch. What was read last stays when a look fails. */
export function composeSourceStatus(
  before: SourceStatus,
  { generation, spec: { path } }: ClusterSource,
  look: SourceLook,
  now: Date,
): SourceStatus {
  const { lastSeenCommit: _, errors: __, ...kept } = before;
  const read =
    look.kind === "read"
      ? {
          ...(look.commit === null ? {} : { lastSeenCommit: look.commit }),
          errors: look.problems.slice(0, MOST_FILE_ERRORS).map(({ name, reason, message }) => ({
            path: `${path}/${name}/release.yaml`,
            message: `${reason}: ${message}`.slice(0, MESSAGE),
          })),
        }
      : {
          ...(before.lastSeenCommit === undefined ? {} : { lastSeenCommit: before.lastSeenCommit }),
          ...(before.errors === undefined ? {} : { errors: before.errors }),
        };
  return {
    ...{ ...kept, ...read, observedGeneration: generation },
    conditions: conditionsOf(look).map((one) => {
      const known = before.conditions?.find(({ type }) => type === one.type);
      const lastTransitionTime = known?.status === one.status ? known.lastTransitionTime : timestamp(now);
      return { ...one, message: one.message.slice(0, MESSAGE), lastTransitionTime, observedGeneration: generation };
    }),
  };
}

import { z } from "zod";
import { Moment, timestamp } from "./timestamp.ts";

/** `Unknown`: not decided yet. */
export type ConditionStatus = "True" | "False" | "Unknown";
type Reason = { readonly status: ConditionStatus; readonly says: string };
type Step = { readonly says: string; readonly reasons: Readonly<Record<string, Reason>> };

const yes = <const S extends string>(says: S) => ({ status: "True", says }) as const;
const no = <const S extends string>(says: S) => ({ status: "False", says }) as const;
const open = <const S extends string>(says: S) => ({ status: "Unknown", says }) as const;

/**
 * The steps of a release in their order, one condition each, and every reason that a condition may have
 * (release-api.md 3.3). A reason decides the status, so that the two cannot disagree.
 */
export const STEPS = {
  Admitted: {
    says: "The release may be worked on.",
    reasons: {
      Accepted: yes("Spec, class and source agree."),
      Adopted: yes("The repository holds a record that verifies: nothing is done again."),
      ClassNotFound: no("There is no class of the spec's className."),
      ClassNotAllowed: no("The source does not allow this class."),
      NotFromGit: no("The object is not what the repository holds at its commit."),
      SignatureInvalid: no("The commit lacks the signature or the approvals that the source asks for."),
      VersionReused: no("The version was used before with other content."),
      PlatformCommitReused: no("Another release of this commit has the same platform."),
      NoNodeForArch: no("No node can build for one of the architectures."),
      NotEnoughNodes: no("The class wants runs on different nodes, and there are too few."),
      ToolchainMismatch: no("The toolchain is not the one that spec or lock name."),
      RecordInvalid: no("The repository holds a record of this release that does not verify."),
    },
  },
  Locked: {
    says: "Every input is known by hash and at hand.",
    reasons: {
      Committed: yes("The locks are those of the commit."),
      Resolved: yes("The locks were made at admission, as the class allows."),
      StaleLock: no("A lock is not this spec's."),
      InputMissing: no("An input cannot be had any more."),
      InputDigestMismatch: no("An input is not what the lock says."),
    },
  },
  Built: {
    says: "Every run of every architecture ended well.",
    reasons: {
      Succeeded: yes("All runs ended well."),
      Running: open("Runs are at work."),
      Queued: open("Runs wait for their turn."),
      BuildFailed: no("A step of a build failed."),
      OOMKilled: no("A run needed more memory than it may have."),
      DeadlineExceeded: no("A run took longer than it may."),
      Evicted: no("A run lost its node."),
      ImagePullFailed: no("The builder's or the inputs' image could not be pulled."),
      InputMissing: no("The builder lacks an input."),
      InputDigestMismatch: no("The builder found an input that is not what the lock says."),
    },
  },
  Reproducible: {
    says: "All runs have the same bytes.",
    reasons: {
      AllEqual: yes("All runs are the same to the byte."),
      Comparing: open("Runs are compared."),
      NotReproducible: no("Runs differ: nothing is signed or published."),
      ReportOnly: no("Runs differ, and the class only wants that reported."),
    },
  },
  Verified: {
    says: "Every artifact was opened and booted.",
    reasons: {
      Passed: yes("All artifacts passed."),
      NotRun: no("Boots were left out."),
      VerificationFailed: no("An artifact is not what its users need."),
    },
  },
  Signed: {
    says: "Every artifact and every statement is signed, and the signatures verify.",
    reasons: {
      Verified: yes("All signatures verify."),
      Signing: open("Signatures are made."),
      SignerUnavailable: no("The key or the signing service cannot be reached."),
      IdentityMismatch: no("A signature is not by the class's signer."),
      LogUnavailable: no("The transparency log or time-stamp authority cannot be reached."),
    },
  },
  Published: {
    says: "Every artifact can be had under its tag.",
    reasons: {
      Verified: yes("All digests and tags are there."),
      Publishing: open("Artifacts are copied."),
      TagConflict: no("A tag points to something else, and no tag is ever moved."),
      RegistryUnavailable: no("The registry cannot be reached."),
      Unauthorized: no("The registry refuses the credentials."),
      AssetConflict: no("The forge has another file under an asset's name."),
    },
  },
  Notified: {
    says: "The platform knows.",
    reasons: {
      Queued: yes("The platform took the notification."),
      IdempotentHit: yes("The platform had this notification already."),
      ForeignPublication: no("The platform had a publication of this commit that was not ours."),
      Rejected: no("The platform refused the notification."),
      Unreachable: no("The platform cannot be reached."),
      NotConfigured: no("The class names no platform: nobody is told."),
    },
  },
  Recorded: {
    says: "The record stands in git.",
    reasons: {
      Pushed: yes("The record was committed."),
      UpToDate: yes("The repository had this very record already."),
      PushConflict: no("Other writers won every attempt."),
      PushDeclined: no("The repository refuses the push."),
      NotConfigured: no("The source names no place for records."),
    },
  },
} as const satisfies Record<string, Step>;

const PROGRESSING = "Work goes on.";
const RETRYING = "A step failed in a way that passes, and is tried again.";

/** What sums the steps up, as kstatus reads it. `Ready` and `Stalled` may also have the reason of a step that failed. */
export const SUMMARIES = {
  Ready: {
    says: "The release is done.",
    reasons: {
      Succeeded: yes("The release is published and recorded."),
      Progressing: no(PROGRESSING),
      ProgressingWithRetry: no(RETRYING),
      Suspended: no("The spec holds the release where it stands."),
    },
  },
  Reconciling: {
    says: "Present only while work goes on.",
    reasons: { Progressing: yes(PROGRESSING), ProgressingWithRetry: yes(RETRYING) },
  },
  Stalled: { says: "Present only while a person is needed; the reason is the step's.", reasons: {} },
} as const satisfies Record<string, Step>;

export type StepType = keyof typeof STEPS;
export type SummaryType = keyof typeof SUMMARIES;
export type ConditionType = SummaryType | StepType;

type ReasonsOf<T extends StepType> = (typeof STEPS)[T]["reasons"];
type FailuresOf<T extends StepType> = {
  [R in keyof ReasonsOf<T>]: ReasonsOf<T>[R] extends { status: "False" } ? R : never;
}[keyof ReasonsOf<T>];
/** The reason of a step that failed. */
export type FailureReason = { [T in StepType]: FailuresOf<T> }[StepType];

type StepUpdate = { [T in StepType]: { readonly type: T; readonly reason: keyof ReasonsOf<T> } }[StepType];
type SummaryUpdate =
  | { readonly type: "Ready"; readonly reason: keyof (typeof SUMMARIES)["Ready"]["reasons"] | FailureReason }
  | { readonly type: "Reconciling"; readonly reason: keyof (typeof SUMMARIES)["Reconciling"]["reasons"] }
  | { readonly type: "Stalled"; readonly reason: FailureReason };

/** A condition as code sets it: the reason decides the status. */
export type ConditionUpdate = (StepUpdate | SummaryUpdate) & {
  /** for people, one line, the same as long as nothing changes */
  readonly message: string;
  /** metadata.generation of the object it is about; 1 for the local process */
  readonly observedGeneration: number;
};

const TYPES: Readonly<Record<ConditionType, Step>> = { ...SUMMARIES, ...STEPS };

/** All types in the order in which they are shown. */
export const CONDITION_TYPES = Object.keys(TYPES) as ConditionType[];

const FAILURES: ReadonlySet<string> = new Set(
  Object.values(STEPS).flatMap(({ reasons }: Step) =>
    Object.entries(reasons).flatMap(([reason, { status }]) => (status === "False" ? [reason] : [])),
  ),
);

const isStep = (type: ConditionType): type is StepType => Object.hasOwn(STEPS, type);

/** The status that a reason stands for; undefined if the type has no such reason. */
export function statusOf(type: ConditionType, reason: string): ConditionStatus | undefined {
  const { reasons } = TYPES[type];
  if (Object.hasOwn(reasons, reason)) return reasons[reason]?.status;
  if (!FAILURES.has(reason)) return undefined;
  return type === "Ready" ? "False" : type === "Stalled" ? "True" : undefined;
}

/** A condition as it stands in status and record (Kubernetes API conventions, "Typical status properties"). */
export const Condition = z
  .strictObject({
    type: z.enum(CONDITION_TYPES).meta({ description: "The step, or Ready, Reconciling or Stalled." }),
    status: z.enum(["True", "False", "Unknown"]).meta({ description: "Whether it is so. Unknown: not decided yet." }),
    reason: z.string().max(64).meta({ description: "Why, in one word; it decides the status." }),
    message: z.string().max(4096).meta({ description: "Why, for people, in one line." }),
    lastTransitionTime: Moment.meta({ description: "When the status last changed." }),
    observedGeneration: z.int().nonnegative().meta({ description: "The metadata.generation that it is about." }),
  })
  .check((context) => {
    const { type, status, reason } = context.value;
    const wanted = statusOf(type, reason);
    if (wanted === status) return;
    const message =
      wanted === undefined ? `${reason} is not a reason of ${type}` : `${reason} means ${wanted}, not ${status}`;
    context.issues.push({ code: "custom", message, path: ["reason"], input: reason });
  });
export type Condition = z.infer<typeof Condition>;

/**
 * The conditions with one of them set, in the order of {@link CONDITION_TYPES}. The transition time is `now` only if
 * the status changes. A step that is True stays as it is, reason and message included: what was reached is not taken
 * back, and a record that says the same has the same bytes.
 */
export function setCondition(conditions: readonly Condition[], update: ConditionUpdate, now: Date): Condition[] {
  const { type, reason, message, observedGeneration } = update;
  const before = conditions.find((condition) => condition.type === type);
  if (before !== undefined && isStep(type) && before.status === "True") return [...conditions];
  const status = statusOf(type, reason);
  if (status === undefined) throw new RangeError(`${type} has no reason ${reason}`);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(now);
  const others = conditions.filter((condition) => condition !== before);
  return [...others, { type, status, reason, message, lastTransitionTime, observedGeneration }].toSorted(
    (a, b) => CONDITION_TYPES.indexOf(a.type) - CONDITION_TYPES.indexOf(b.type),
  );
}

/** The conditions without one that is present only while it holds. */
export const clearCondition = (conditions: readonly Condition[], type: "Reconciling" | "Stalled"): Condition[] =>
  conditions.filter((condition) => condition.type !== type);

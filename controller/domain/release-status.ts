import { z } from "zod";
import { Digest } from "../../builders/contract/digest.ts";
import { Arch, Variant } from "../../builders/contract/variant.ts";
import { Condition, type StepType, STEPS } from "./conditions.ts";
import { RUNS } from "./release.ts";
import { CommitId } from "./release-facts.ts";
import { Moment } from "./timestamp.ts";

/** Most targets of a release; most runs of one: both architectures, as often as a spec can ask for. */
export const MOST = { targets: 16, builds: 2 * RUNS.max, conditions: 16 } as const;

/** Most characters of a failure's message, and of a log's end. */
export const [MESSAGE, LOG_TAIL] = [1024, 4096] as const;

const said = (description: string, most: number) => z.string().max(most).meta({ description });
const digest = (description: string) => Digest.meta({ description, maxLength: 71 });
const commit = (description: string) => CommitId.meta({ description, maxLength: 64 });
const count = (description: string) => z.int().nonnegative().meta({ description });

/** What a step does while it is the next one, in one word for people. */
export const STEP_PHASES = {
  Admitted: "Admitting",
  Locked: "Locking",
  Built: "Building",
  Reproducible: "Comparing",
  Verified: "Verifying",
  Signed: "Signing",
  Published: "Publishing",
  Notified: "Notifying",
  Recorded: "Recording",
} as const satisfies Record<StepType, string>;

const PHASES = [...Object.values(STEP_PHASES), "Released", "Failed", "Suspended"] as const;
/** How far a target is, in order. */
export const TARGET_PHASES = ["Pending", "Staged", "Signed", "Published"] as const;
const RUN_STATES = ["Pending", "Running", "Succeeded", "Failed"] as const;

const Failure = z.object({
  step: z.enum(Object.keys(STEPS) as StepType[]).meta({ description: "The condition of the step that failed." }),
  class: z.enum(["Transient", "Resource", "Permanent", "Verdict"]).meta({
    description:
      "What follows. Transient and Resource: it is tried again. Permanent: a person must change something. Verdict: " +
      "this version is never published.",
  }),
  reason: said("The reason of that condition.", 64),
  message: said("What happened, in one line.", MESSAGE),
  target: said("The target that it happened to, architecture/variant; left out: to all of them.", 64).exactOptional(),
  logTail: said("The end of the log of the program that failed.", LOG_TAIL).exactOptional(),
  nextRetryTime: Moment.meta({ description: "When the step is tried again; left out: not by itself." }).exactOptional(),
});
export type Failure = z.infer<typeof Failure>;

const Run = z.object({
  arch: Arch.meta({ description: "The architecture that was built." }),
  run: z.int().min(1).max(RUNS.max).meta({ description: "Number of the run, from 1." }),
  attempt: z.int().min(1).meta({ description: "Number of the last attempt at this run, from 1." }).exactOptional(),
  job: said("Name of that attempt's Job in the build namespace.", 63).exactOptional(),
  node: said("The node that it ran on.", 253).exactOptional(),
  state: z.enum(RUN_STATES).meta({ description: "How it stands." }).exactOptional(),
  reason: said("Why it failed, or what it waits for.", 1024).exactOptional(),
  manifestDigest: digest("Digest of the manifest of what the run made.").exactOptional(),
});

const Signing = z.object({
  state: z.enum(["Pending", "Signed"]).meta({
    description: "Pending: the signature is about to be made, so it is looked for before it is made again.",
  }),
  bundleDigest: digest("Digest of the signature's bundle.").exactOptional(),
  logIndex: said("Index of its entry in the transparency log.", 32).exactOptional(),
  identity: said("Who signed.", 512).exactOptional(),
  issuer: said("Who vouches for that identity.", 512).exactOptional(),
});

const Notification = z.object({
  status: said("What the platform answered.", 32),
  publicationId: said("The platform's own name of the publication.", 64).exactOptional(),
  reason: said("Why it was refused.", 256).exactOptional(),
});

const TargetStatus = z.object({
  variant: Variant.meta({ description: "Which target: its variant." }),
  arch: Arch.meta({ description: "Which target: its architecture." }),
  phase: z.enum(TARGET_PHASES).meta({ description: "How far it is." }).exactOptional(),
  digest: digest("Digest of the artifact's manifest, once all runs agree on its files.").exactOptional(),
  sizeBytes: count("Size of its files together, in bytes.").exactOptional(),
  reference: said("Where it can be pulled from, by tag and digest.", 512).exactOptional(),
  assetURL: said("Where the forge has its file.", 512).exactOptional(),
  signing: Signing.meta({ description: "Its signature." }).exactOptional(),
  notify: Notification.meta({ description: "What the platform was told about it." }).exactOptional(),
});

/**
 * status of a DiskImageRelease (release-api.md 3.2), as the API server has it. Only the controller writes it. It is read
 * without the fields that a newer version added.
 */
export const ReleaseStatus = z.object({
  observedGeneration: z
    .int()
    .min(1)
    .meta({ description: "The metadata.generation that this status is about." })
    .exactOptional(),
  phase: z
    .enum(PHASES)
    .meta({ description: "The conditions in one word, for people; programs read the conditions." })
    .exactOptional(),
  attempt: z
    .int()
    .min(1)
    .meta({ description: "How often the release was begun: once, and once for each retryAt." })
    .exactOptional(),
  lastHandledReconcileAt: said("The last value of the annotation reconcileAt that was heeded.", 64).exactOptional(),
  lastHandledRetryAt: said("The last value of the annotation retryAt that was heeded.", 64).exactOptional(),
  summary: z
    .object({
      targets: said("Published targets of all targets, 1/2.", 16),
      builds: said("Finished runs of all runs, 3/4.", 16),
    })
    .meta({ description: "Counts, as text, for kubectl get." })
    .exactOptional(),
  conditions: z
    .array(Condition)
    .max(MOST.conditions)
    .meta({ description: "One for each step that was reached, and Ready, Reconciling and Stalled." })
    .exactOptional(),
  failure: Failure.meta({ description: "The last failure; left out once the step has passed." }).exactOptional(),
  builds: z.array(Run).max(MOST.builds).meta({ description: "One for each run of each architecture." }).exactOptional(),
  targets: z.array(TargetStatus).max(MOST.targets).meta({ description: "One for each target." }).exactOptional(),
  published: z
    .object({
      releaseDigest: digest("Digest of the release statement that is signed."),
      indexDigest: digest("Digest of the image index; only with an oci target.").exactOptional(),
      reference: said("Where that index can be pulled from.", 512).exactOptional(),
    })
    .meta({ description: "What was published. Once it is there it never changes." })
    .exactOptional(),
  git: z
    .object({
      commit: commit("The commit that holds the record."),
      ref: said("The branch that it was pushed to, as a full ref.", 255),
      digest: digest("Digest of the record's status.yaml.").exactOptional(),
      time: Moment.meta({ description: "When it was pushed." }).exactOptional(),
    })
    .meta({ description: "Where the record stands in git." })
    .exactOptional(),
});
export type ReleaseStatus = z.infer<typeof ReleaseStatus>;
export type TargetPhase = (typeof TARGET_PHASES)[number];
export type Phase = (typeof PHASES)[number];

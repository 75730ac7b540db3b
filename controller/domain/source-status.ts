import { z } from "zod";
import { CommitId } from "./release-facts.ts";
import { Moment } from "./timestamp.ts";

const SourceCondition = z.object({
  type: z.enum(["Ready", "Reconciling", "Stalled"]).meta({
    description: "Ready: the branch was read. Reconciling: it is being read. Stalled: a person is needed.",
  }),
  status: z.enum(["True", "False", "Unknown"]).meta({ description: "Whether it is so." }),
  reason: z.string().min(1).max(64).meta({ description: "Why, in one word." }),
  message: z.string().max(4096).meta({ description: "Why, for people." }),
  lastTransitionTime: Moment.meta({ description: "When the status last changed." }),
  observedGeneration: z.int().nonnegative().meta({ description: "The metadata.generation that it is about." }),
});

const FileError = z.object({
  path: z.string().max(512).meta({ description: "The file, from the repository's root." }),
  message: z.string().max(1024).meta({ description: "What is wrong with it, as imgrel lint says it." }),
});

/** Most files whose errors a source shows; the message of Ready counts the rest. */
export const MOST_FILE_ERRORS = 64;

/** status of a DiskImageReleaseSource (release-api.md 3.6), as the API server has it. */
export const SourceStatus = z.object({
  observedGeneration: z
    .int()
    .min(1)
    .meta({ description: "The metadata.generation that this status is about." })
    .exactOptional(),
  lastSeenCommit: CommitId.meta({
    description: "The branch's commit that was read last.",
    maxLength: 64,
  }).exactOptional(),
  lastHandledReconcileAt: z
    .string()
    .max(64)
    .meta({ description: "The last value of the annotation reconcileAt that was heeded." })
    .exactOptional(),
  errors: z
    .array(FileError)
    .max(MOST_FILE_ERRORS)
    .meta({ description: "Files of that commit that are no release, each with the reason; the others are followed." })
    .exactOptional(),
  conditions: z
    .array(SourceCondition)
    .max(8)
    .meta({ description: "How the source stands: Ready, Reconciling and Stalled." })
    .exactOptional(),
});
export type SourceStatus = z.infer<typeof SourceStatus>;

import { z } from "zod";
import type { FaultCode } from "./errors.ts";

/** Why a release cannot go on: a fault that only a person, or a new version, takes away. */
export type Stop = { readonly code: FaultCode; readonly message: string; readonly remedy: string };

/** Steps that judge what was made; no other step ends a version for ever. */
const JudgingStep = z.enum(["Reproducible", "Verified"]);

/** Verdicts about what was made (release-api.md 2.1): no retry changes them, only a new version can do better. */
const VerdictCode = z.enum(["NotReproducible", "ManifestMismatch", "VerificationFailed"]);

/** Why a release failed for ever, as its status says it (release-api.md 3.2). */
export const Failure = z.strictObject({
  step: JudgingStep,
  class: z.literal("Verdict"),
  reason: VerdictCode,
  message: z.string().min(1).max(4096),
});
export type Failure = z.infer<typeof Failure>;

/** The verdict of a step. `message` is cut to what a status may hold. */
export const verdict = (step: Failure["step"], reason: Failure["reason"], message: string): Failure => ({
  ...{ step, class: "Verdict", reason, message: message.slice(0, 4096) },
});

const NEW_VERSION = "this version stays failed: mend the cause, then imgrel bump gives the release a new version";

const REMEDIES: Readonly<Record<Failure["reason"], string>> = {
  NotReproducible: `read comparison.txt, which is diff/<arch>.txt of the record; ${NEW_VERSION}`,
  ManifestMismatch: `a builder that misdescribes what it made is broken or hostile: find out which; ${NEW_VERSION}`,
  VerificationFailed: `read the evidence; ${NEW_VERSION}`,
};

/** The stop that a verdict is, whether it was just come to or stands in a record. */
export const stopOf = ({ reason, message }: Failure): Stop => ({ code: reason, message, remedy: REMEDIES[reason] });

/** A verdict on one line, for whoever reads the record. */
export const failureText = ({ reason, message }: Failure): string => `${reason}: ${message}`;

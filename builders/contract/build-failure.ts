import { z } from "zod";

/** Exit codes of every imgrel command and of the builder (docs/architecture.md, "Errors"). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notReproducible: 3,
  missing: 4,
  incomplete: 5,
  /** of a pod: what it needs cannot be reached now (sysexits.h, EX_TEMPFAIL) */
  tryAgain: 75,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a build step ended; decides the exit code, and in a cluster whether a retry makes sense. */
export const BUILD_FAILURE_CODES = [
  "InvalidRequest",
  "ToolMissing",
  "InputMissing",
  "InputDigestMismatch",
  "PrivilegeMismatch",
  "SurroundingsMismatch",
  "DiskFull",
  "StepFailed",
  "OutputInvalid",
] as const;

export const BuildFailure = z.strictObject({
  code: z.enum(BUILD_FAILURE_CODES),
  step: z.string(),
  message: z.string(),
  /** what a person should do */
  remedy: z.string(),
  /** last lines of the failed tool's output */
  logTail: z.string().max(4096),
});
export type BuildFailure = z.infer<typeof BuildFailure>;
export type BuildFailureCode = BuildFailure["code"];

/** A fault of one build step, thrown inside the builder and written as JSON at its edge. */
export class BuildError extends Error {
  readonly failure: BuildFailure;
  constructor(failure: Omit<BuildFailure, "logTail"> & { logTail?: string }, options?: ErrorOptions) {
    super(failure.message, options);
    this.name = "BuildError";
    this.failure = { ...failure, logTail: (failure.logTail ?? "").slice(-4096) };
  }
}

/** The builder's exit code for a failure: 2 and 4 are not worth a retry. */
export function exitCodeOf(code: BuildFailureCode): ExitCode {
  switch (code) {
    case "InvalidRequest":
      return EXIT.usage;
    case "ToolMissing":
    case "InputMissing":
    case "InputDigestMismatch":
      return EXIT.missing;
    case "PrivilegeMismatch":
    case "SurroundingsMismatch":
    case "DiskFull":
    case "StepFailed":
    case "OutputInvalid":
      return EXIT.failed;
  }
}

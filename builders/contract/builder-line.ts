import { z } from "zod";
import { BuildFailure } from "./build-failure.ts";
import { ProgressEvent } from "./progress.ts";

/** The builder's last line on standard output if it fails. A file would need the space that may be what it lacks. */
const FailureLine = z.strictObject({ failure: BuildFailure });
export type FailureLine = z.infer<typeof FailureLine>;

/** What the builder tells, one JSON object per line of its standard output: progress, and why it failed. */
const BuilderLine = z.union([ProgressEvent, FailureLine]);
export type BuilderLine = z.infer<typeof BuilderLine>;

/** One line of the builder's standard output; undefined for what a tool printed past its log. */
export function readBuilderLine(line: string): BuilderLine | undefined {
  try {
    return BuilderLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

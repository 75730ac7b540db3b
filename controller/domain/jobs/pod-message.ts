import type { z } from "zod";
import { TERMINATION_MESSAGE_BYTES } from "../../../builders/contract/termination-message.ts";
import type { AttemptFailure, AttemptOutcome, AttemptSuccess } from "./job-outcome.ts";

/** A success whose message is what the step's pods say. */
export type ValidSuccess<T> = AttemptSuccess & { readonly said: T };

/** An outcome, its success with what the pod said. */
export type ValidOutcome<T> = Exclude<AttemptOutcome, AttemptSuccess> | ValidSuccess<T>;

function parsed<T>(schema: z.ZodType<T>, text: string): T | undefined {
  if (new TextEncoder().encode(text).byteLength > TERMINATION_MESSAGE_BYTES) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** An outcome in which a success without a valid message is a failure: nothing else says what was done. */
export function withMessage<T>(schema: z.ZodType<T>, outcome: AttemptOutcome): ValidOutcome<T> {
  if (outcome.state !== "succeeded") return outcome;
  const said = parsed(schema, outcome.message);
  if (said !== undefined) return { ...outcome, said };
  const { pod, node } = outcome;
  const message = `its pod ended well but did not say what it did: ${JSON.stringify(outcome.message.slice(0, 200))}`;
  return {
    state: "failed",
    cause: "Failed",
    pod,
    node,
    container: null,
    exitCode: 0,
    message,
    own: null,
  } satisfies AttemptFailure;
}

import { z } from "zod";
import { BuildFailure } from "./build-failure.ts";
import { BuildMessage } from "./pod.ts";

/** What Kubernetes keeps of a container's termination message, in bytes; the rest is cut off without an error. */
export const TERMINATION_MESSAGE_BYTES = 4096;

const FailureAccount = BuildFailure.omit({ logTail: true });
export type FailureAccount = z.infer<typeof FailureAccount>;
const Failed = z.strictObject({ schemaVersion: z.literal(1), failure: FailureAccount });

/**
 * What a builder in a pod leaves as its termination message. A failure comes without the lines of its log, which the pod's
 * own log has.
 */
export const TerminationMessage = z.union([BuildMessage, Failed]);
export type TerminationMessage = z.infer<typeof TerminationMessage>;

const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;

/** The message of a failure as JSON, its texts shortened until they fit. */
export function failureMessage({ code, step, message, remedy }: BuildFailure): string {
  for (let length = TERMINATION_MESSAGE_BYTES; ; length = Math.floor(length / 2)) {
    const failure = {
      code,
      step: shortened(step, length),
      message: shortened(message, length),
      remedy: shortened(remedy, length),
    };
    const text = JSON.stringify({ schemaVersion: 1, failure } satisfies TerminationMessage);
    if (Buffer.byteLength(text) <= TERMINATION_MESSAGE_BYTES) return text;
  }
}

/** The failure that a termination message tells of; null if it tells of none. */
export function readFailure(text: string): FailureAccount | null {
  try {
    return Failed.safeParse(JSON.parse(text)).data?.failure ?? null;
  } catch {
    return null; // a program's last words, or what Kubernetes took from its log
  }
}

// What a Job's manifest (controller/domain/jobs) and the program in its pod agree on.

import { z } from "zod";
import { Digest, Sha256Hex } from "./digest.ts";

/** How the variables begin that tell a pod what to do. A build finds its request beside its inputs instead. */
const REQUEST_VARIABLE = "IMGREL_POD_REQUEST_";

/** Characters of one variable: Linux takes strings of at most 128 KiB (execve(2)). */
const CHUNK = 100_000;

/** JSON in ASCII alone: it may be cut anywhere. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A request as variables, in JSON that is cut where it is too long for one. */
export function requestVariables(request: unknown): Record<string, string> {
  const text = asciiJson(request);
  const count = Math.ceil(text.length / CHUNK);
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `${REQUEST_VARIABLE}${index}`,
      text.slice(index * CHUNK, (index + 1) * CHUNK),
    ]),
  );
}

/**
 * The request in an environment; undefined if it has none.
 * @throws SyntaxError if it is no JSON
 */
export function readRequest(env: Readonly<Record<string, string | undefined>>): unknown {
  let text = "";
  for (let index = 0; ; index += 1) {
    const part = env[`${REQUEST_VARIABLE}${index}`];
    if (part === undefined) return index === 0 ? undefined : JSON.parse(text);
    text += part;
  }
}

/** The digest that a build's request must have: whoever brought the inputs cannot change what is built. */
export const REQUEST_DIGEST_VARIABLE = "IMGREL_REQUEST_DIGEST";

/** `policy`: the pod has routes, since the cluster offers no RuntimeClass without, and only its policies hold it. */
export const NETWORK_VARIABLE = "IMGREL_NETWORK";

export const mayHaveRoutes = (env: Readonly<Record<string, string | undefined>>): boolean =>
  env[NETWORK_VARIABLE] === "policy";

/** Folders of a run's volume, and those of pods that no sandbox has. */
export const VOLUME = { out: "out", logs: "logs" } as const;
export const POD = {
  /** where a program says how it ended */
  message: "/dev/termination-log",
  /** of a publish pod: what the run left, read-only */
  runOut: "/run-output/out",
  runLogs: "/run-output/logs",
  /** of the Secret with a registry's credentials, as Docker's configuration */
  credentials: "/var/run/imgrel/registry",
} as const;

/** What a build pod ends with. `cpus`: those that it could use, as taskset(1) writes them. */
export const BuildMessage = z.strictObject({
  schemaVersion: z.literal(1),
  /** digest of build-manifest.json */
  manifest: Digest,
  cpus: z.string().regex(/^[0-9]+([,-][0-9]+)*$/),
});
export type BuildMessage = z.infer<typeof BuildMessage>;

/** What a publish pod ends with. */
export const PublishMessage = z.strictObject({
  schemaVersion: z.literal(1),
  /** digest of the OCI manifest in the staging repository */
  staged: Digest,
  /** digest of build-manifest.json as this pod read it */
  manifest: Digest,
});
export type PublishMessage = z.infer<typeof PublishMessage>;

/** What a boot pod ends with: digests of what it booted and of what stands in its log. */
export const BootMessage = z.strictObject({
  schemaVersion: z.literal(1),
  /** {@link artifactDigest} of the files that were booted */
  artifact: Digest,
  /** of boot.json */
  result: Digest,
  serialLog: Sha256Hex,
});
export type BootMessage = z.infer<typeof BootMessage>;

/** What a fetch pod ends with. */
export const FetchMessage = z.strictObject({
  schemaVersion: z.literal(1),
  /** digest of the image with the inputs of one arch */
  inputsImage: Digest,
});
export type FetchMessage = z.infer<typeof FetchMessage>;

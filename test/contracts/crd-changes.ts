import { isRecord } from "../../controller/domain/json-schema.ts";
import { API_VERSION } from "../../controller/domain/release.ts";
import { ORIGIN } from "./stored-corpus.ts";

/** An update of an object, and whether the API server takes it. */
export type ObjectChange = {
  readonly name: string;
  /** dotted path; a number is a place in a list */
  readonly path: string;
  /** undefined: the field is taken away */
  readonly value: unknown;
  readonly accepted: boolean;
};

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** A release with everything that an update might touch. */
export const RELEASE = {
  apiVersion: API_VERSION,
  kind: "DiskImageRelease",
  metadata: { name: "changes" },
  spec: {
    version: "1",
    className: "stable",
    suspend: false,
    source: ORIGIN,
    inputs: {
      distribution: { archive: "ubuntu", suite: "noble", components: ["main", "universe"] },
      kernelPackage: { amd64: "linux-image-6.8.0-45-generic", arm64: "linux-image-6.8.0-45-generic" },
      packages: ["podman", "vim"],
      sourceDateEpoch: 1761955200,
    },
    targets: [
      { variant: "raw", arch: "amd64", platformName: "ubuntu" },
      { variant: "oci", arch: "arm64" },
    ],
    builds: 2,
  },
} as const;

/** Its status, half published. */
export const RELEASE_STATUS = {
  observedGeneration: 1,
  phase: "Publishing",
  attempt: 1,
  summary: { targets: "1/2", builds: "4/4" },
  conditions: [
    {
      ...{ type: "Ready", status: "False", reason: "Progressing", message: "the release is under way" },
      ...{ lastTransitionTime: "2026-11-26T00:00:00Z", observedGeneration: 1 },
    },
  ],
  builds: [{ arch: "amd64", run: 1, attempt: 1, job: "dir-1-amd64-b1-1", state: "Succeeded" }],
  targets: [
    { variant: "raw", arch: "amd64", phase: "Published", digest: digest("1"), sizeBytes: 1 },
    { variant: "oci", arch: "arm64", phase: "Signed", digest: digest("2") },
  ],
  published: { releaseDigest: digest("3"), indexDigest: digest("4"), reference: "registry.example/images:changes" },
} as const;

const takes = (path: string, value: unknown, name = path): ObjectChange => ({ name, path, value, accepted: true });
const refuses = (path: string, value: unknown, name = path): ObjectChange => ({ name, path, value, accepted: false });

/** Updates of {@link RELEASE}: only suspend may change. */
export const SPEC_CHANGES: readonly ObjectChange[] = [
  takes("spec.suspend", true),
  takes("spec.suspend", undefined, "no suspend"),
  refuses("spec.version", "2"),
  refuses("spec.className", "other"),
  refuses("spec.source.commit", "1".repeat(40)),
  refuses("spec.source.lock", undefined, "no locks"),
  refuses("spec.inputs.distribution.suite", "oracular"),
  refuses("spec.inputs.packages", ["podman", "vim", "mc"]),
  refuses("spec.inputs.packages", undefined, "no packages"),
  refuses("spec.inputs.baseImage", `ubuntu@${digest("5")}`, "a base image"),
  refuses("spec.inputs.sourceDateEpoch", 1761955201),
  refuses("spec.targets", RELEASE.spec.targets.slice(0, 1), "a target less"),
  refuses("spec.targets", [...RELEASE.spec.targets, { variant: "iso", arch: "amd64" }], "a target more"),
  refuses("spec.targets", RELEASE.spec.targets.toReversed(), "targets in another order"),
  refuses("spec.inputs.distribution.components", ["universe", "main"], "components in another order"),
  refuses("spec.inputs.packages", ["vim", "podman"], "packages in another order"),
  refuses("spec.targets.0.platformName", "debian"),
  refuses("spec.targets.1.firmwareRef", "x", "a target's firmware"),
  refuses("spec.builds", 3),
  refuses("spec.builds", undefined, "no builds"),
];

/** Updates of {@link RELEASE_STATUS}: what was published stays. */
export const STATUS_CHANGES: readonly ObjectChange[] = [
  takes("status.phase", "Released"),
  takes("status.targets.1.phase", "Published", "another target published"),
  takes("status.targets.1.digest", digest("6"), "another digest of a target that is not published"),
  takes("status.git", { commit: "1".repeat(40), ref: "refs/heads/release-records" }, "a record"),
  takes("status.conditions.0.message", "other words"),
  refuses("status.published.releaseDigest", digest("7")),
  refuses("status.published.indexDigest", digest("7")),
  refuses("status.published.indexDigest", undefined, "no indexDigest"),
  refuses("status.published.reference", "registry.example/images:other"),
  refuses("status.published", undefined, "no publication"),
  refuses("status", undefined, "no status"),
  refuses("status.targets.0.digest", digest("7"), "another digest of a published target"),
  refuses("status.targets.0.digest", undefined, "no digest of a published target"),
  refuses("status.targets.0.phase", "Signed", "a published target that is none"),
  refuses("status.targets", RELEASE_STATUS.targets.slice(1), "no published target"),
  refuses("status.targets", undefined, "no targets"),
  refuses("status.targets", [RELEASE_STATUS.targets[0], RELEASE_STATUS.targets[0]], "a target twice"),
  refuses("status.conditions.0.status", "true"),
  refuses("status.failure", { step: "Publish" }, "a failure without its fields"),
];

/** An object with a change made to it. */
export function changed(object: unknown, { path, value }: ObjectChange): unknown {
  const walk = (at: unknown, [key = "", ...rest]: readonly string[]): unknown => {
    const below = rest.length === 0 ? value : walk(isRecord(at) ? at[key] : (at as unknown[])[Number(key)], rest);
    if (Array.isArray(at)) return at.with(Number(key), below);
    const { [key]: _, ...others } = at as Record<string, unknown>;
    return below === undefined ? others : { ...others, [key]: below };
  };
  return walk(object, path.split("."));
}

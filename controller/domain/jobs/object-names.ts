import type { Digest } from "../../../builders/contract/digest.ts";
import type { Arch } from "../../../builders/contract/variant.ts";
import { idempotencyKey } from "../idempotency-key.ts";

/** The step of a release that a Job belongs to. */
export const JOB_STEPS = ["fetch", "build", "publish", "boot"] as const;
export type JobStep = (typeof JOB_STEPS)[number];

/** What names all objects of one release: the same in a cluster that is set up anew. */
export type ReleaseIdentity = {
  readonly repository: string;
  readonly release: string;
  readonly specDigest: Digest;
};

/** Which Job it is, apart from how often it was tried. `boot`: the boot's name (boot-plan.ts). `run` counts from 1. */
export type JobRef = { readonly arch: Arch } & (
  | { readonly step: "fetch" }
  | { readonly step: "build"; readonly run: number }
  | { readonly step: "publish"; readonly run: number }
  | { readonly step: "boot"; readonly boot: string }
);

/** `dir-<K10>-<arch>`: how the names of an arch's objects begin (release-api.md 2.2). */
const stem = (identity: ReleaseIdentity, arch: Arch): string =>
  `dir-${idempotencyKey({ ...identity, step: "Build", target: "" }).slice(0, 10)}-${arch}`;

/** A Job's part of its name. */
function part(ref: JobRef): string {
  switch (ref.step) {
    case "fetch":
      return "f";
    case "build":
      return `b${ref.run}`;
    case "publish":
      return `p${ref.run}`;
    case "boot":
      return `v-${ref.boot}`;
  }
}

/** The name of an attempt, from 1: a second process that wants the same finds that it is there. */
export const jobName = (identity: ReleaseIdentity, ref: JobRef, attempt: number): string =>
  `${stem(identity, ref.arch)}-${part(ref)}-${attempt}`;

/** The claim of a run's volume, the only way out of its build pod. */
export const claimName = (identity: ReleaseIdentity, arch: Arch, run: number): string =>
  `${stem(identity, arch)}-s${run}`;

/** The tag that keeps what a run staged from being collected. It is never read. */
export const stagingTag = (identity: ReleaseIdentity, arch: Arch, run: number): string =>
  `${stem(identity, arch)}-s${run}`;

/** The tag that keeps the image with an arch's inputs from being collected. */
export const inputsImageTag = (identity: ReleaseIdentity, arch: Arch): string => `${stem(identity, arch)}-inputs`;

/** A tag of its own for each content: another attempt may push another one, and no tag is ever moved. */
export const tagOf = (stemOfTag: string, digest: Digest): string => `${stemOfTag}-${digest.slice(7, 19)}`;

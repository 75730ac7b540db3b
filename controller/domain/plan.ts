import type { BuildRequest } from "../../builders/contract/build-request.ts";
import { Digest } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";
import { type DiskImageRelease, variantsFor } from "./release.ts";

/** What is known of a release once it stands in git and its locks hold. */
export type PlannedRelease = {
  readonly release: DiskImageRelease;
  /** the commit that last touched the spec */
  readonly commit: string;
  readonly lock: Lock;
  readonly arch: Arch;
  /** the variants to build; undefined for all that the release has for the arch */
  readonly variants?: readonly Variant[];
};

/** How many runs of each architecture a release has: a spec can only raise what its class asks for. */
export const runsOf = (gate: { readonly minBuilds: number }, spec: { readonly builds?: number | undefined }): number =>
  Math.max(gate.minBuilds, spec.builds ?? gate.minBuilds);

/** The digest of `<name>@sha256:…`, null without a reference. */
const digestIn = (reference: string | undefined): Digest | null =>
  reference === undefined ? null : Digest.parse(reference.slice(reference.indexOf("@") + 1));

/**
 * What the builder is asked for one arch: the same for every run, and all that decides a byte.
 * @throws ReleaseError SpecInvalid if the release has no kernel or no such target for the arch, or asks for an agent,
 * which this version cannot put into an image
 */
export function buildRequest({ release, commit, lock, arch, variants }: PlannedRelease): BuildRequest {
  const { inputs, version } = release.spec;
  const declared = variantsFor(release.spec, arch);
  const wanted = variants ?? declared;
  const absent = wanted.filter((variant) => !declared.includes(variant));
  if (absent.length > 0 || wanted.length === 0) {
    throw new ReleaseError(
      "SpecInvalid",
      `${release.metadata.name} has no target ${absent.map((variant) => `${variant}/${arch}`).join(", ") || arch}`,
      `add it to spec.targets, or choose of ${declared.map((variant) => `${variant}/${arch}`).join(", ") || "another arch"}`,
    );
  }
  const kernelPackage = inputs.kernelPackage[arch];
  if (kernelPackage === undefined) {
    throw new ReleaseError("SpecInvalid", `no kernel for ${arch}`, `add ${arch} to spec.inputs.kernelPackage`);
  }
  if (inputs.agent?.[arch] !== undefined) {
    throw new ReleaseError(
      "SpecInvalid",
      `spec.inputs.agent.${arch}: this version of imgrel puts only its own stand-in agent into an image`,
      "leave spec.inputs.agent out",
    );
  }
  return {
    schemaVersion: 1,
    release: release.metadata.name,
    version,
    arch,
    variants: [...wanted].toSorted(),
    kernelPackage,
    sourceDateEpoch: inputs.sourceDateEpoch,
    gitSha: commit,
    baseImageDigest: digestIn(inputs.baseImage),
    aptSnapshot: inputs.distribution.snapshot ?? lock.suites[0]?.date ?? "",
    lock,
  };
}

/** What is to be done for one arch of a release. */
export type ArchPlan = {
  readonly request: BuildRequest;
  readonly toolchain: Lock;
  /** how many runs must be the same */
  readonly runs: number;
  /** `<work>/<release>/<arch>`: runs, comparison, state and evidence */
  readonly folder: string;
};
